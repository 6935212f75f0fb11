/** Names of the kinds of databases, so that a list of them loads none; database.test.ts compares them. */

export const DATABASE_NAMES: readonly string[] = [
  'mongodb-database-plugin',
  'mysql-aurora-database-plugin',
  'mysql-database-plugin',
  'mysql-legacy-database-plugin',
  'mysql-rds-database-plugin',
  'postgresql-database-plugin',
  'redis-database-plugin',
  'valkey-database-plugin',
];
