/**
 * `npm run conformance [-- --openbao PATH] [hvac] [node-vault]`: unmodified clients, installed by this run, drive a real server over
 * TLS. With `--openbao` they drive the reference, which proves the suites themselves. Ends with "N passed, N failed".
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openbao, startVaultServer, strongroom } from '../rig/vault-server.ts';
import type { Program, VaultServer } from '../rig/vault-server.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** Clients stay installed between runs, beside the other packages; a pinned version names its folder. */
const INSTALLED = fileURLToPath(new URL('../node_modules/.cache/conformance/', import.meta.url));
const NODE_VAULT = 'node-vault@0.12.0';
const SUITE_TIMEOUT_MS = 300_000;

interface Suite {
  /** Installs the client and gives the command that runs the suite, and what it needs in its environment. */
  readonly prepare: () => {
    argv: readonly string[];
    environment: Readonly<Record<string, string>>;
  };
}

const SUITES: Readonly<Record<string, Suite>> = {
  hvac: {
    prepare: () => {
      const requirements = join(HERE, 'hvac', 'requirements.txt');
      const version = readFileSync(requirements, 'utf8').trim().replace('==', '-');
      const folder = join(INSTALLED, version);
      const python = join(folder, 'bin', 'python');
      if (!existsSync(join(folder, 'ready'))) {
        rmSync(folder, { recursive: true, force: true });
        execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
        const install = [
          '-m',
          'pip',
          'install',
          '-q',
          '--disable-pip-version-check',
          '-r',
          requirements,
        ];
        execFileSync(python, install, { stdio: 'inherit' });
        mkdirSync(join(folder, 'ready'));
      }
      return { argv: [python, join(HERE, 'hvac', 'suite.py')], environment: {} };
    },
  },
  'node-vault': {
    prepare: () => {
      const folder = join(INSTALLED, NODE_VAULT.replace('@', '-'));
      if (!existsSync(join(folder, 'ready'))) {
        mkdirSync(folder, { recursive: true });
        const install = [
          'install',
          '--no-save',
          '--no-audit',
          '--no-fund',
          '--prefix',
          folder,
          NODE_VAULT,
        ];
        execFileSync('npm', [...install, '--silent'], { stdio: 'inherit' });
        mkdirSync(join(folder, 'ready'));
      }
      const argv = [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        join(HERE, 'node-vault', 'suite.ts'),
      ];
      return { argv, environment: { MODULES: join(folder, 'node_modules') } };
    },
  },
};

interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly ca: string;
}

/** A certificate for loopback that is its own authority. */
function makeCertificate(folder: string): Certificate {
  const certFile = join(folder, 'server.pem');
  const keyFile = join(folder, 'server.key');
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  const subject = ['-subj', '/CN=localhost'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const files = ['-keyout', keyFile, '-out', certFile];
  const args = [...request.split(' '), ...subject, ...names, ...files];
  execFileSync('openssl', args, { stdio: 'pipe' });
  return { certFile, keyFile, ca: readFileSync(certFile, 'utf8') };
}

interface Count {
  readonly passed: number;
  readonly failed: number;
}

function runSuite(
  name: string,
  suite: Suite,
  environment: Readonly<Record<string, string>>,
): Count {
  const prepared = suite.prepare();
  const [program = '', ...args] = prepared.argv;
  const done = spawnSync(program, args, {
    env: { ...process.env, ...environment, ...prepared.environment },
    encoding: 'utf8',
    timeout: SUITE_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  console.log(done.stdout.trimEnd());
  const count = /(?<passed>\d+) passed, (?<failed>\d+) failed\s*$/.exec(done.stdout)?.groups;
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
  const names = positionals.length === 0 ? Object.keys(SUITES) : positionals;
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const servers: VaultServer[] = [];
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
      const count = runSuite(name, suite, {
        ADDR: used.api.address,
        FRESH_ADDR: fresh.api.address,
        CA: tls.certFile,
        TOKEN: used.rootToken,
      });
      passed += count.passed;
      failed += count.failed;
    }
  } finally {
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
