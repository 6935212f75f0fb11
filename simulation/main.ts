/** Hurts real servers, and simulated ones, and compares what they say with what they acknowledged. */
import { simulateAccounts } from './accounts/accounts.ts';
import { directoryPlace } from './accounts/places/directory.ts';
import { mariadbPlace } from './accounts/places/mariadb.ts';
import { postgresPlace } from './accounts/places/postgresql.ts';
import { valkeyPlace } from './accounts/places/valkey.ts';
import { FAKETIME_HINT, FAKETIME_IS_HERE, simulateClock } from './clock.ts';
import { simulateCorruption } from './corruption/corruption.ts';
import { embeddedStores } from './corruption/embedded.ts';
import { postgresqlStores } from './corruption/postgresql.ts';
import { simulateCrashes } from './crash.ts';
import { replaySeed, simulateDeterministic } from './deterministic/deterministic.ts';
import { simulateFaults } from './faults/faults.ts';
import { simulateFourApis } from './four-apis.ts';
import { simulateMoves } from './moves.ts';
import { readArguments, refuse } from '../rig/arguments.ts';
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
    clockJumps: 6,
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
    clockJumps: 200,
  },
} as const;

const PROBLEMS_SHOWN_MAX = 20;

const USAGE = `Usage: npm run simulate -- [options] [PART…]

Hurts servers, and compares what they say with what they have acknowledged. Without parts: all of them. Ends with "N passed, N failed".

Parts:
  deterministic               the core in a simulated world, by seeds
  crash                       SIGKILL of a server under load, on the embedded store
  corruption, corruption-postgresql   bits, records and the whole content of a store
  faults                      failing writes, syncs and renames (needs strace), full disks
  storage                     SIGKILL of the embedded store alone
  apis                        random operations over four APIs on one secret
  accounts, accounts-mariadb, accounts-valkey, accounts-ldap   SIGKILL between a target and its accounts
  moves                       SIGKILL of a migration between the stores
  clock                       the clock of a server's machine jumps and stops
  consistency, revocation, durability   three servers on one PostgreSQL with a standby

Options:
  --ci            the doses of CI; those of a release without it
  --seed N        what random choices begin with; of deterministic alone: this run, with everything that happens in it
  --cycles N      the dose of a part: cycles, operations or trials
  --minutes N     ends consistency earlier (120)
  --seeds N       runs of deterministic
  --from N        the first of them (1)
  --seconds N     ends deterministic earlier`;

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
const onFaketime = on('libfaketime', FAKETIME_IS_HERE, FAKETIME_HINT);
const onSlapd = on('OpenLDAP', SLAPD_IS_THERE, SLAPD_HINT);

async function main(): Promise<number> {
  const { values, positionals } = readArguments(USAGE, {
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
    clock: onFaketime(() => simulateClock({ jumps: cycles ?? dose.clockJumps, seed })),
    consistency: onPostgres(() =>
      simulateConsistency({ operations: cycles ?? dose.operations, minutes, seed }),
    ),
    revocation: onPostgres(() => simulateRevocation({ trials: cycles ?? dose.trials, seed })),
    durability: onPostgres(() =>
      simulateDurability({ cycles: cycles ?? dose.replicaCycles, seed }),
    ),
  };
  const unknown = positionals.find((name) => parts[name] === undefined);
  if (unknown !== undefined) refuse(`there is no part ${unknown}`);
  console.log(`seed ${seed}`);
  let failed = 0;
  let passed = 0;
  for (const name of positionals.length === 0 ? Object.keys(parts) : positionals) {
    const part = parts[name];
    if (part === undefined) continue;
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
