/**
 * `npm run simulate [-- --ci] [--seed N] [--cycles N] [--minutes N] [PART…]`: hurts real servers and compares what they say with what they acknowledged.
 * First of the parts: deterministic, the core in a simulated world; `--seeds N --from S` says which runs, `--seconds N` for how long, `--seed X` shows one. The others: crash, corruption, faults, storage (embedded); apis (four on one secret); accounts, accounts-mariadb, accounts-valkey, accounts-ldap (of a real target); moves (between the stores); consistency, revocation, durability (three servers on PostgreSQL). `--cycles`
 * sets the dose of a part: cycles, operations or trials; `--minutes` ends consistency earlier. Ends with "N passed, N failed".
 */
import { parseArgs } from 'node:util';
import { simulateAccounts } from './accounts/accounts.ts';
import { directoryPlace } from './accounts/places/directory.ts';
import { mariadbPlace } from './accounts/places/mariadb.ts';
import { postgresPlace } from './accounts/places/postgresql.ts';
import { valkeyPlace } from './accounts/places/valkey.ts';
import { simulateCorruption } from './corruption/corruption.ts';
import { embeddedStores } from './corruption/embedded.ts';
import { postgresqlStores } from './corruption/postgresql.ts';
import { simulateCrashes } from './crash.ts';
import { replaySeed, simulateDeterministic } from './deterministic/deterministic.ts';
import { simulateFaults } from './faults/faults.ts';
import { simulateFourApis } from './four-apis.ts';
import { simulateMoves } from './moves.ts';
import { MARIADB_HINT, mariadbIsHere } from '../rig/mariadb.ts';
import { POSTGRESQL_HINT, postgresPrograms } from '../rig/postgresql.ts';
import { VALKEY_HINT, valkeyIsHere } from '../rig/valkey.ts';
import { SLAPD_HINT, SLAPD_IS_THERE } from '../src/ldap/slapd.testkit.ts';
import type { AccountPlace } from './accounts/place.ts';
import { simulateConsistency } from './replicas/consistency.ts';
import { simulateDurability } from './replicas/durability.ts';
import { simulateRevocation } from './replicas/revocation.ts';
import { simulateStorageCrashes } from './storage/crash.ts';

/** Doses: what CI has time for, and what a release should see. */
const DOSES = {
  ci: {
    seeds: 10_000,
    seedSeconds: 40,
    cycles: 200,
    corruptions: 40,
    remoteCorruptions: 16,
    faultPoints: 1,
    storageCycles: 15,
    operations: 800,
    trials: 80,
    replicaCycles: 3,
    accountCycles: 5,
    sequences: 200,
    moves: 4,
  },
  full: {
    seeds: 1_000_000,
    seedSeconds: 24 * 3600,
    cycles: 1000,
    corruptions: 1000,
    remoteCorruptions: 500,
    faultPoints: 60,
    storageCycles: 1000,
    operations: 100_000,
    trials: 5000,
    replicaCycles: 500,
    accountCycles: 300,
    sequences: 10_000,
    moves: 200,
  },
} as const;

const PROBLEMS_SHOWN_MAX = 20;

/** A part that is left out, and says so, where a program is missing. */
function on(
  program: string,
  isHere: boolean,
  hint: string,
): (part: () => Promise<string[]>) => () => Promise<string[]> {
  return (part) =>
    isHere
      ? part
      : async () => {
          console.log(`  left out: ${program} is missing (${hint})`);
          return [];
        };
}

const onPostgres = on('PostgreSQL', postgresPrograms() !== undefined, POSTGRESQL_HINT);
const onMariadb = on('MariaDB', mariadbIsHere(), MARIADB_HINT);
const onValkey = on('Valkey', valkeyIsHere(), VALKEY_HINT);
const onSlapd = on('OpenLDAP', SLAPD_IS_THERE, SLAPD_HINT);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      ci: { type: 'boolean', default: false },
      seed: { type: 'string' },
      cycles: { type: 'string' },
      minutes: { type: 'string', default: '120' },
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      seconds: { type: 'string' },
    },
    allowPositionals: true,
  });
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  const dose = values.ci ? DOSES.ci : DOSES.full;
  const cycles = values.cycles === undefined ? undefined : Number(values.cycles);
  const minutes = Number(values.minutes);
  const deterministic = async (): Promise<string[]> =>
    positionals.length === 1 && values.seed !== undefined
      ? await replaySeed(seed)
      : await simulateDeterministic({
          seeds: values.seeds === undefined ? (cycles ?? dose.seeds) : Number(values.seeds),
          from: Number(values.from),
          secondsMax: values.seconds === undefined ? dose.seedSeconds : Number(values.seconds),
        });
  const accounts = (open: () => Promise<AccountPlace>) => () =>
    simulateAccounts(open, { cycles: cycles ?? dose.accountCycles, seed });
  const parts: Readonly<Record<string, () => Promise<string[]>>> = {
    deterministic,
    crash: () => simulateCrashes({ cycles: cycles ?? dose.cycles, seed }),
    corruption: () =>
      simulateCorruption(async () => embeddedStores(), {
        count: cycles ?? dose.corruptions,
        seed,
      }),
    'corruption-postgresql': onPostgres(() =>
      simulateCorruption(postgresqlStores, { count: cycles ?? dose.remoteCorruptions, seed }),
    ),
    faults: () =>
      simulateFaults({ points: cycles ?? dose.faultPoints, everyCall: !values.ci, seed }),
    storage: () => simulateStorageCrashes({ cycles: cycles ?? dose.storageCycles, seed }),
    apis: () => simulateFourApis({ sequences: cycles ?? dose.sequences, seed }),
    accounts: onPostgres(accounts(postgresPlace)),
    'accounts-mariadb': onMariadb(accounts(mariadbPlace)),
    'accounts-valkey': onValkey(accounts(valkeyPlace)),
    'accounts-ldap': onSlapd(accounts(directoryPlace)),
    moves: onPostgres(() => simulateMoves({ cycles: cycles ?? dose.moves, seed })),
    consistency: onPostgres(() =>
      simulateConsistency({ operations: cycles ?? dose.operations, minutes, seed }),
    ),
    revocation: onPostgres(() => simulateRevocation({ trials: cycles ?? dose.trials, seed })),
    durability: onPostgres(() =>
      simulateDurability({ cycles: cycles ?? dose.replicaCycles, seed }),
    ),
  };
  console.log(`seed ${seed}`);
  let failed = 0;
  let passed = 0;
  for (const name of positionals.length === 0 ? Object.keys(parts) : positionals) {
    const part = parts[name];
    if (part === undefined)
      throw new Error(`no part ${name}; there are ${Object.keys(parts).join(', ')}`);
    console.log(`${name} (after ${Math.round(process.uptime())} s)`);
    const problems = await part();
    if (problems.length === 0) passed++;
    else failed++;
    for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) console.log(`  FAILED ${problem}`);
    if (problems.length > 0)
      console.log(`  again with: npm run simulate -- --seed ${seed} ${name}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
