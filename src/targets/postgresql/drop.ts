/** What it takes to drop a role: PostgreSQL refuses while the role holds a privilege anywhere in the database. */
import type { PoolClient } from 'pg';
import { quoteIdentifier } from './postgresql-names.ts';

/** Revokes everything that can be found, then drops the role; what it owns is left alone, and then the drop is refused. */
export async function dropStatements(client: PoolClient, username: string): Promise<string[]> {
  const role = quoteIdentifier(username);
  const granted = await client.query<{ schema: string }>(
    `SELECT n.nspname AS schema FROM pg_namespace n, pg_roles r
     WHERE r.rolname = $1 AND (
       EXISTS (SELECT 1 FROM aclexplode(n.nspacl) a WHERE a.grantee = r.oid)
       OR EXISTS (SELECT 1 FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = n.oid AND a.grantee = r.oid)
       OR EXISTS (SELECT 1 FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid, aclexplode(t.attacl) a
                  WHERE c.relnamespace = n.oid AND a.grantee = r.oid)
       OR EXISTS (SELECT 1 FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = n.oid AND a.grantee = r.oid))`,
    [username],
  );
  const schemas = granted.rows.map((row) => quoteIdentifier(row.schema));
  const databases = await client.query<{ name: string }>(
    `SELECT d.datname AS name FROM pg_database d, pg_roles r
     WHERE r.rolname = $1 AND EXISTS (SELECT 1 FROM aclexplode(d.datacl) a WHERE a.grantee = r.oid)`,
    [username],
  );
  return [
    ...schemas.flatMap((schema) => [
      `REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA ${schema} FROM ${role}`,
      `REVOKE ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA ${schema} FROM ${role}`,
      `REVOKE ALL PRIVILEGES ON ALL ROUTINES IN SCHEMA ${schema} FROM ${role}`,
      `REVOKE ALL PRIVILEGES ON SCHEMA ${schema} FROM ${role}`,
    ]),
    ...databases.rows.map(
      ({ name }) => `REVOKE ALL PRIVILEGES ON DATABASE ${quoteIdentifier(name)} FROM ${role}`,
    ),
    `DROP ROLE IF EXISTS ${role}`,
  ];
}
