/** The ways in which secrets are renewed. */
import type { World } from '../../base/world.ts';
import { databaseRotator } from '../../rotators/account/databases.ts';
import { ldapRotator } from '../../rotators/account/ldap.ts';
import { httpRotator } from '../../rotators/http/http.ts';
import { programRotator } from '../../rotators/program/program.ts';
import { randomRotator } from '../../rotators/random/random.ts';
import type { Rotator } from '../../rotators/rotator.ts';
import { webhookRotator } from '../../rotators/webhook/webhook.ts';
import { mongodb } from '../../targets/mongodb/mongodb.ts';
import { mysql } from '../../targets/mysql/mysql.ts';
import { postgresql } from '../../targets/postgresql/postgresql.ts';
import { valkey } from '../../targets/valkey/valkey.ts';

export interface RotatorsOptions extends Pick<World, 'clock' | 'random'> {
  /** The only folder whose programs may be called; '' = none. */
  readonly programs: string;
}

export function rotatorsOf(options: RotatorsOptions): ReadonlyMap<string, Rotator> {
  const { clock, random, programs } = options;
  const all: readonly Rotator[] = [
    randomRotator,
    databaseRotator('postgresql', postgresql, random),
    databaseRotator('mysql', mysql, random),
    databaseRotator('valkey', valkey, random),
    databaseRotator('mongodb', mongodb, random),
    ldapRotator,
    httpRotator,
    webhookRotator(clock),
    programRotator(programs),
  ];
  return new Map(all.map((rotator) => [rotator.type, rotator]));
}
