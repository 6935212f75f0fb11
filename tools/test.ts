/**
 * `npm test`: every test beside its source, without network or outside service. Arguments narrow it to paths that contain them:
 * `npm test -- policy barrier/keyring`.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { ROOT, listPaths } from './source-files.ts';

/** What `npm test` does not run, and the command that does. */
const OTHER_SUITES: readonly (readonly [string, string])[] = [
  [
    'real clients (hvac, node-vault) over TLS',
    'npm run conformance   (needs python3, npm, network)',
  ],
  ['imports from a real OpenBao', 'STRONGROOM_TEST_OPENBAO=PROGRAM npm test -- import/vault'],
  ['crash, fault and corruption cycles', 'npm run simulate   (fsync faults need strace)'],
];

/** Files at once: each is a process of its own; one more than there are cores, because each also waits. */
const CONCURRENCY_MAX = 8;
const TEST_TIMEOUT_MS = 120_000;
/** Compiled code is kept from one process to the next: each of them loads much of the product. */
const COMPILED = `${ROOT}node_modules/.cache/compiled`;

function main(wanted: readonly string[]): number {
  const files = listPaths().filter(
    (path) =>
      path.endsWith('.test.ts') &&
      (wanted.length === 0 || wanted.some((part) => path.includes(part))),
  );
  if (files.length === 0) {
    console.log(`no test matches ${wanted.join(' ')}\n0 passed, 0 failed`);
    return 1;
  }
  if (wanted.length === 0) {
    console.log('Left out here:');
    for (const [suite, how] of OTHER_SUITES) console.log(`  ${suite}: ${how}`);
  }
  const concurrency = Math.min(CONCURRENCY_MAX, Math.max(2, availableParallelism() + 1));
  const done = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      '--test-reporter=./tools/test-reporter.ts',
      '--test-reporter-destination=stdout',
      ...files,
    ],
    { cwd: ROOT, stdio: 'inherit', env: { NODE_COMPILE_CACHE: COMPILED, ...process.env } },
  );
  return done.status ?? 1;
}

process.exitCode = main(process.argv.slice(2));
