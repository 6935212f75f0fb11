/**
 * `npm run conformance [-- --openbao PATH] [SUITE…]`: unmodified clients, installed by this run, drive a real server over TLS. With
 * `--openbao` those of the Vault API drive the reference, which proves the suites themselves. Ends with "N passed, N failed".
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startNameProxy } from '../rig/name-proxy.ts';
import { openbao, startVaultServer, strongroom } from '../rig/vault-server.ts';
import type { Program, VaultServer } from '../rig/vault-server.ts';
import { HOST_NAMES } from './stages.ts';
import { SUITES } from './suites.ts';
import type { Suite } from './suites.ts';

const SUITE_TIMEOUT_MS = 300_000;

interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly ca: string;
}

/** A certificate for loopback and the names of the suites; it is its own authority. */
function makeCertificate(folder: string): Certificate {
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
    timeout: SUITE_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await new Promise((resolve) => child.once('close', resolve));
  console.log(output.trimEnd());
  const count = /(?<passed>\d+) passed, (?<failed>\d+) failed\s*$/.exec(output)?.groups;
  if (count === undefined) {
    console.log(`  FAILED ${name} broke off`);
    return { passed: 0, failed: 1 };
  }
  return { passed: Number(count['passed']), failed: Number(count['failed']) };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { openbao: { type: 'string' } },
    allowPositionals: true,
  });
  const program: Program = values.openbao === undefined ? strongroom : openbao(values.openbao);
  // What only this server has cannot be tried on the reference.
  const all = Object.keys(SUITES).filter(
    (name) =>
      SUITES[name]?.large === undefined &&
      (program === strongroom || SUITES[name]?.stage === undefined),
  );
  const names = positionals.length === 0 ? all : positionals;
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const servers: VaultServer[] = [];
  const proxy = await startNameProxy();
  let passed = 0;
  let failed = 0;
  try {
    const tls = makeCertificate(folder);
    for (const name of names) {
      const suite = SUITES[name];
      if (suite === undefined)
        throw new Error(`no suite ${name}; there are ${Object.keys(SUITES).join(', ')}`);
      const used = await startVaultServer(program, { folder: join(folder, name), tls });
      const fresh = await startVaultServer(program, {
        folder: join(folder, `${name}-fresh`),
        tls,
        seal: 'shamir',
      });
      servers.push(used, fresh);
      const stage = { server: used, proxy: proxy.address, caFile: tls.certFile };
      const count = await runSuite(name, suite, {
        ...(await suite.stage?.(stage)),
        ADDR: used.api.address,
        FRESH_ADDR: fresh.api.address,
        CA: tls.certFile,
        TOKEN: used.rootToken,
      });
      passed += count.passed;
      failed += count.failed;
    }
  } finally {
    await proxy.stop();
    for (const server of servers) {
      server.api.close();
      await server.child.stop();
    }
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
