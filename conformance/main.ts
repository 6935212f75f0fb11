/** Unmodified clients, installed by this run, drive a real server over TLS. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments, refuse } from '../rig/arguments.ts';
import { startNameProxy } from '../rig/name-proxy.ts';
import { openbao, strongroom } from '../rig/vault-server.ts';
import { alone, onPostgresql } from './servers.ts';
import type { ServerSource, SuiteServers, Tls } from './servers.ts';
import { HOST_NAMES } from './stages.ts';
import { SUITES } from './suites.ts';
import type { Suite } from './suites.ts';

const SUITE_TIMEOUT_MS = 300_000;
/** Suites side by side: while one installs its client or waits for an answer, others work. */
const SIDE_BY_SIDE = 3;
/** The last line of a suite, and of this program. */
const COUNT = /(?<passed>\d+) passed, (?<failed>\d+) failed\s*$/;
/** Programs that take a second and more to start are slow on a busy machine. */
const LARGE_TIMEOUT_MS = 1_200_000;

/** A certificate for loopback and the names of the suites; it is its own authority. */
function makeCertificate(folder: string): Tls {
  const certFile = join(folder, 'server.pem');
  const keyFile = join(folder, 'server.key');
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  const subject = ['-subj', '/CN=localhost'];
  const hosts = ['IP:127.0.0.1', 'DNS:localhost', ...HOST_NAMES.map((name) => `DNS:${name}`)];
  const names = ['-addext', `subjectAltName=${hosts.join(',')}`];
  const files = ['-keyout', keyFile, '-out', certFile];
  const args = [...request.split(' '), ...subject, ...names, ...files];
  execFileSync('openssl', args, { stdio: 'pipe' });
  return { certFile, keyFile, ca: readFileSync(certFile, 'utf8') };
}

interface Count {
  readonly passed: number;
  readonly failed: number;
}

async function runSuite(
  name: string,
  suite: Suite,
  environment: Readonly<Record<string, string>>,
): Promise<Count> {
  const prepared = suite.prepare();
  const [program = '', ...args] = prepared.argv;
  const child = spawn(program, args, {
    env: { ...process.env, ...environment, ...prepared.environment },
    timeout: suite.large === true ? LARGE_TIMEOUT_MS : SUITE_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await new Promise((resolve) => child.once('close', resolve));
  console.log(output.trimEnd());
  const count = COUNT.exec(output)?.groups;
  if (count === undefined) {
    console.log(`  FAILED ${name} broke off`);
    return { passed: 0, failed: 1 };
  }
  return { passed: Number(count['passed']), failed: Number(count['failed']) };
}

interface Wish {
  readonly names: readonly string[];
  /** A program to compare with. */
  readonly reference: string | undefined;
  /** Servers on one PostgreSQL. */
  readonly postgresql: string | undefined;
}

function usage(): string {
  const [small, large] = [undefined, true].map((size) =>
    Object.keys(SUITES)
      .filter((name) => SUITES[name]?.large === size)
      .join(' '),
  );
  return `Usage: npm run conformance -- [options] [SUITE…]

Installs unmodified clients and lets them drive a real server over TLS, several suites side by side, each with servers of its own. Ends with
"N passed, N failed".

Suites:
  ${small}
Only when they are named, because they take minutes to install or want a program of this machine:
  ${large}

Options:
  --postgresql N   on N servers on one PostgreSQL behind a balancer, one suite after the other
  --openbao PATH   drive the reference instead, which proves the suites of the Vault API themselves`;
}

function wished(): Wish {
  const { values, positionals } = readArguments(usage(), {
    options: { openbao: { type: 'string' }, postgresql: { type: 'string' } },
    allowPositionals: true,
  });
  const { openbao: reference, postgresql } = values;
  // What only this server has cannot be tried on the reference.
  const all = Object.keys(SUITES).filter(
    (name) =>
      SUITES[name]?.large === undefined &&
      (reference === undefined || SUITES[name]?.stage === undefined),
  );
  const unknown = positionals.find((name) => SUITES[name] === undefined);
  if (unknown !== undefined) refuse(`there is no suite ${unknown}`);
  return { names: positionals.length === 0 ? all : positionals, reference, postgresql };
}

/** Suites one after the other in this process, on servers that are started for each. */
async function tryHere({ names, reference, postgresql }: Wish): Promise<Count[]> {
  const source: ServerSource =
    postgresql === undefined
      ? alone(reference === undefined ? strongroom : openbao(reference))
      : await onPostgresql(Number(postgresql));
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const proxy = await startNameProxy();
  const counts: Count[] = [];
  try {
    const tls = makeCertificate(folder);
    const environmentOf = async (
      suite: Suite,
      { used, fresh }: SuiteServers,
    ): Promise<Record<string, string>> => ({
      ...(await suite.stage?.({ server: used, proxy: proxy.address, caFile: tls.certFile })),
      ...(fresh === undefined ? {} : { FRESH_ADDR: fresh.api.address }),
      ADDR: used.api.address,
      CA: tls.certFile,
      TOKEN: used.rootToken,
    });
    for (const name of names) {
      const suite = SUITES[name];
      if (suite === undefined) continue;
      const servers = await source.start(name, folder, tls, suite.fresh === true);
      try {
        counts.push(await runSuite(name, suite, await environmentOf(suite, servers)));
      } finally {
        await servers.stop();
      }
    }
  } finally {
    await proxy.stop();
    await source.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return counts;
}

/** One suite in a process of its own, whose output is shown when it is done. */
async function tryApart(name: string, args: readonly string[]): Promise<Count> {
  const self = fileURLToPath(import.meta.url);
  const argv = ['--disable-warning=ExperimentalWarning', self, ...args, name];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  await new Promise((resolve) => child.once('close', resolve));
  const count = COUNT.exec(output)?.groups;
  if (count === undefined) console.log(`  FAILED ${name} broke off`);
  console.log(output.replace(COUNT, '').trimEnd());
  return count === undefined
    ? { passed: 0, failed: 1 }
    : { passed: Number(count['passed']), failed: Number(count['failed']) };
}

async function trySideBySide({ names, reference }: Wish): Promise<Count[]> {
  const args = reference === undefined ? [] : ['--openbao', reference];
  const waiting = [...names];
  const counts: Count[] = [];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      counts.push(await tryApart(name, args));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return counts;
}

async function main(): Promise<number> {
  const wish = wished();
  const apart = wish.names.length > 1 && wish.postgresql === undefined;
  const counts = apart ? await trySideBySide(wish) : await tryHere(wish);
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
