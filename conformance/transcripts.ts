/**
 * `bin/node conformance/transcripts.ts [--postgresql SERVERS] FOLDER [SCENARIO…]`: replays recorded answers of a reference server
 * (FOLDER/replay.py), on the embedded store, or with so many servers on one PostgreSQL, and compares the outcome with transcripts-expected.json: scenarios that are known to fail, each with its reason. A listed scenario that
 * passes fails the run, so that the list only shrinks.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostgres } from '../rig/postgresql.ts';

interface Replayed {
  readonly area: string;
  readonly file: string;
  readonly passed: boolean;
  readonly skipped: string | null;
  readonly error: string | null;
  readonly steps: readonly { readonly ok: boolean }[];
}

const EXECUTABLE = fileURLToPath(new URL('../bin/strongroom', import.meta.url));
const ON_POSTGRESQL = fileURLToPath(new URL('serve-on-postgresql.ts', import.meta.url));
const EXPECTED = new URL('transcripts-expected.json', import.meta.url);
/** What differs on PostgreSQL, beside that. */
const EXPECTED_POSTGRESQL = new URL('transcripts-expected-postgresql.json', import.meta.url);
/** What differs beside that where several servers work on it. */
const EXPECTED_SERVERS = new URL('transcripts-expected-servers.json', import.meta.url);
/** A scenario name, its area and everything in it, or everything. */
type Expected = Readonly<Record<string, string>>;

function reasonFor(expected: Expected, { area, file }: Replayed): string | undefined {
  for (const key of [`${area}/${file}`, `${area}/*`]) {
    if (Object.hasOwn(expected, key)) return expected[key];
  }
  return undefined;
}

/** Ports of a replay: runs on different stores may go side by side. */
const PORTS = 18_400;
const PORTS_EACH = 100;

/** What replays are run against. */
function target(
  postgres: { readonly url: string; readonly servers: string } | undefined,
): string[] {
  if (postgres === undefined) return ['--exe', EXECUTABLE, '--storage', 'sqlite'];
  const { url, servers } = postgres;
  const serve = (profile: string, more = ''): string =>
    `${process.execPath} ${ON_POSTGRESQL} ${profile} ${servers} ${url} {port} {root} {dir} ${more}`;
  return [
    '--spawn',
    serve('dev'),
    '--spawn-tls',
    serve('tls', '{cert} {key}'),
    // A conversation of many steps with one server: its shares are collected in that server's memory.
    ...(servers === '1' ? ['--spawn-uninit', serve('uninit')] : []),
    '--start-timeout',
    '60',
  ];
}

interface Round {
  readonly output: string;
  readonly results: readonly Replayed[];
}

/** More than these are no bad luck. */
const SECOND_TRIES_MAX = 3;

interface Replay {
  readonly folder: string;
  readonly only: readonly string[];
  readonly report: string;
  readonly postgres: { readonly url: string; readonly servers: string } | undefined;
}

function replay({ folder, only, report, postgres }: Replay): string {
  const from = PORTS + PORTS_EACH * Number(postgres?.servers ?? 0);
  const ports = ['--ports', `${from}-${from + PORTS_EACH - 1}`];
  const program = [join(folder, 'replay.py'), ...ports, ...target(postgres)];
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

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { postgresql: { type: 'string' } },
    allowPositionals: true,
  });
  const [folder, ...only] = positionals;
  if (folder === undefined) {
    console.log(
      'Usage: bin/node conformance/transcripts.ts [--postgresql SERVERS] FOLDER [SCENARIO…]',
    );
    return 64;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'transcripts-'));
  const report = join(scratch, 'report.json');
  const server = values.postgresql === undefined ? undefined : await startPostgres();
  const postgres =
    server === undefined ? undefined : { url: server.url(), servers: values.postgresql ?? '1' };
  const round = (which: readonly string[]): Round => {
    // What a round before has left is no report of this one.
    rmSync(report, { force: true });
    const output = replay({ folder: resolve(folder), only: which, report, postgres });
    if (!existsSync(report)) throw new Error(`the replay broke off:\n${output}`);
    const { results } = JSON.parse(readFileSync(report, 'utf8')) as Pick<Round, 'results'>;
    return { output, results };
  };
  const read = (url: URL): Expected => JSON.parse(readFileSync(url, 'utf8')) as Expected;
  const expected = {
    ...read(EXPECTED),
    ...(postgres === undefined ? {} : read(EXPECTED_POSTGRESQL)),
    ...(postgres === undefined || postgres.servers === '1' ? {} : read(EXPECTED_SERVERS)),
  };
  const isBad = (result: Replayed): boolean =>
    result.skipped === null && !result.passed && reasonFor(expected, result) === undefined;
  let { output, results } = round(only);
  const again = results.filter(isBad).map(({ area, file }) => `${area}/${file}`);
  // Some tokens live for a second, which a busy machine may need for a request.
  if (again.length > 0 && again.length <= SECOND_TRIES_MAX) {
    console.log(`${output}\ntried a second time: ${again.join(', ')}`);
    const good = results.filter((result) => !isBad(result));
    ({ output, results } = round(again));
    results = [...good, ...results];
  }
  await server?.stop();
  rmSync(scratch, { recursive: true, force: true });
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

process.exitCode = await main(process.argv.slice(2));
