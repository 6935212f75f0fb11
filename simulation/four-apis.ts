/** The property test over the four APIs (src/server/facades/one-secret), with more sequences than `npm test` has time for. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TEST = fileURLToPath(
  new URL('../src/server/facades/one-secret/one-secret.test.ts', import.meta.url),
);

export async function simulateFourApis(options: {
  readonly sequences: number;
  readonly seed: number;
}): Promise<string[]> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', TEST], {
    env: {
      ...process.env,
      SEQUENCES: String(options.sequences),
      SEED: String(options.seed),
      // What a test runner hands its children would have this one report to it.
      NODE_TEST_CONTEXT: undefined,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const figures = /\d+ sequences, \d+ steps/.exec(output)?.[0];
  if (figures !== undefined) console.log(`  ${figures}`);
  return code === 0 && figures !== undefined ? [] : [output.trim()];
}
