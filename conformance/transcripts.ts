/**
 * `bin/node conformance/transcripts.ts FOLDER [SCENARIO…]`: replays recorded answers of a reference server (FOLDER/replay.py) and
 * compares the outcome with transcripts-expected.json: scenarios that are known to fail, each with its reason. A listed scenario that
 * passes fails the run, so that the list only shrinks.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Replayed {
  readonly area: string;
  readonly file: string;
  readonly passed: boolean;
  readonly skipped: string | null;
  readonly error: string | null;
  readonly steps: readonly { readonly ok: boolean }[];
}

const EXECUTABLE = fileURLToPath(new URL('../bin/strongroom', import.meta.url));
const EXPECTED = new URL('transcripts-expected.json', import.meta.url);
/** A scenario name, its area and everything in it, or everything. */
type Expected = Readonly<Record<string, string>>;

function reasonFor(expected: Expected, { area, file }: Replayed): string | undefined {
  for (const key of [`${area}/${file}`, `${area}/*`]) {
    if (Object.hasOwn(expected, key)) return expected[key];
  }
  return undefined;
}

function replay(folder: string, only: readonly string[], report: string): string {
  const program = [join(folder, 'replay.py'), '--exe', EXECUTABLE, '--storage', 'sqlite'];
  // A throw-away PostgreSQL for the scenarios that need one.
  if (existsSync('/usr/lib/postgresql')) program.push('--postgres');
  const args = [...program, '--json', report, ...only.flatMap((one) => ['--only', one])];
  const done = spawnSync('python3', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  });
  return done.stdout;
}

/** The lines of a scenario in the replay's own output: its verdict and its differences. */
function detailsOf(output: string, { file }: Replayed): string {
  const lines = output.split('\n');
  const start = lines.findIndex(
    (line) => /^(?:PASS|FAIL)/.test(line) && line.includes(`/${file} `),
  );
  if (start < 0) return '';
  const length = lines.slice(start + 1).findIndex((line) => /^(?:PASS|FAIL|SKIP|$)/.test(line));
  return lines.slice(start, start + 1 + Math.max(length, 0)).join('\n');
}

function main([folder, ...only]: readonly string[]): number {
  if (folder === undefined) {
    console.log('Usage: bin/node conformance/transcripts.ts FOLDER [SCENARIO…]');
    return 64;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'transcripts-'));
  const report = join(scratch, 'report.json');
  const output = replay(resolve(folder), only, report);
  let results: readonly Replayed[];
  try {
    results = (JSON.parse(readFileSync(report, 'utf8')) as { results: Replayed[] }).results;
  } catch {
    console.log(`${output}\nthe replay broke off\n0 passed, 1 failed`);
    return 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const expected = JSON.parse(readFileSync(EXPECTED, 'utf8')) as Expected;
  let passed = 0;
  let failed = 0;
  const awaited = new Map<string, number>();
  for (const result of results) {
    if (result.skipped !== null) {
      console.log(`left out: ${result.area}/${result.file}: ${result.skipped}`);
      continue;
    }
    const reason = reasonFor(expected, result);
    if (reason === undefined && result.passed) passed++;
    else if (reason === undefined) {
      failed++;
      console.log(detailsOf(output, result));
    } else if (result.passed) {
      failed++;
      console.log(`${result.area}/${result.file} passes: take it out of transcripts-expected.json`);
    } else awaited.set(reason, (awaited.get(reason) ?? 0) + 1);
  }
  const steps = results.flatMap((result) => result.steps);
  for (const [reason, count] of awaited) console.log(`expected to fail: ${count} × ${reason}`);
  console.log(`${steps.filter((step) => step.ok).length} of ${steps.length} steps as recorded`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
