/** `npm run check`: everything that can be said about the code without running it. One line per check, details on failure. */
import { execFile } from 'node:child_process';
import { ROOT } from './source-files.ts';

interface Check {
  readonly name: string;
  readonly argv: readonly string[];
  /** What to do about a failure, when the output does not say. */
  readonly hint?: string;
}

const BIN = 'node_modules/.bin/';
const CODE = ['src', 'tools', 'rig', 'bench', 'conformance', 'simulation', 'security', 'deploy'];

/** Longest first, so that the short ones fill the gaps. */
const CHECKS: readonly Check[] = [
  { name: 'types', argv: [process.execPath, `${BIN}tsc`, '--noEmit', '-p', '.'] },
  {
    name: 'lint',
    argv: [`${BIN}oxlint`, '--type-aware', '--deny-warnings', '--format=unix', ...CODE],
  },
  { name: 'dead code', argv: [process.execPath, `${BIN}knip`, '--no-progress'] },
  {
    name: 'format',
    argv: [`${BIN}oxfmt`, '--check', '--no-error-on-unmatched-pattern', ...CODE],
    hint: 'npm run format',
  },
  { name: 'imports', argv: [process.execPath, 'tools/check-imports.ts'] },
  { name: 'tidy', argv: [process.execPath, 'tools/tidy.ts'] },
  { name: 'docs', argv: [process.execPath, 'tools/check-docs.ts'] },
];

const AT_ONCE = 2;
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
const CHECK_TIMEOUT_MS = 800_000;

/** The output of a failed check, or undefined. */
function run(check: Check): Promise<string | undefined> {
  const [program = '', ...args] = check.argv;
  const options = {
    cwd: ROOT,
    maxBuffer: OUTPUT_BYTES_MAX,
    timeout: CHECK_TIMEOUT_MS,
    env: { ...process.env, NO_COLOR: '1' },
  };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve(error === null ? undefined : `${stdout}${stderr}`.trim() || error.message);
    });
  });
}

async function main(): Promise<number> {
  const waiting = [...CHECKS];
  let failed = 0;
  async function worker(): Promise<void> {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const start = performance.now();
      const output = await run(check);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${output === undefined ? 'ok    ' : 'FAILED'} ${check.name} (${seconds} s)`);
      if (output === undefined) continue;
      failed++;
      console.log(output.replaceAll(/^/gm, '    '));
      if (check.hint !== undefined) console.log(`    → ${check.hint}`);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
