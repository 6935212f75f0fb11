/** The databases whose accounts can be managed, by every name that a configuration may use. */
import type { DatabaseMember } from '../../targets/database.ts';
import { mongodb } from '../../targets/mongodb/mongodb.ts';
import { mysql, mysqlLegacy } from '../../targets/mysql/mysql.ts';
import { postgresql } from '../../targets/postgresql/postgresql.ts';
import { valkey } from '../../targets/valkey/valkey.ts';

const MEMBERS: readonly DatabaseMember[] = [postgresql, mysql, mysqlLegacy, valkey, mongodb];

export const DATABASE_MEMBERS: ReadonlyMap<string, DatabaseMember> = new Map(
  MEMBERS.flatMap((member) => member.names.map((name) => [name, member])),
);
