/**
 * `bin/node bench/replicas.ts [--openbao PATH]`: reads and writes of secrets by one to three Strongroom servers on one PostgreSQL, and by an
 * OpenBao on the same PostgreSQL, in one run on one machine, each with a file audit device and a database of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArguments } from '../rig/arguments.ts';
import { startCluster } from '../rig/cluster.ts';
import { startPostgres } from '../rig/postgresql.ts';
import type { Postgres } from '../rig/postgresql.ts';
import { openbao, startVaultServer } from '../rig/vault-server.ts';
import type { VaultServer } from '../rig/vault-server.ts';
import { runLoad } from './load.ts';
import type { Measured } from './load.ts';
import type { ScenarioName } from './scenarios.ts';
import { makeTokens, NO_KEY, prepare } from './targets.ts';

const USAGE = `Usage: bin/node bench/replicas.ts [options]
  --openbao PATH     an OpenBao executable to compare with
  --seconds N        per scenario (default 5)
  --connections N    kept-alive connections, shared out over the servers (default 64)
  --stored N         secrets stored before reads (default 1000)
  --servers A,B      numbers of Strongroom servers (default 1,2,3)`;

const WARM_UP_MS = 1_500;
const ROUNDS_MAX = 5_000_000;
const STORE_MS_MAX = 600_000;
const SCENARIOS = ['kv read', 'kv write'] as const;

interface Settings {
  readonly seconds: number;
  readonly connections: number;
  readonly stored: number;
}

interface Line {
  readonly name: string;
  readonly results: ReadonlyMap<string, Measured & { readonly cpuUs: number }>;
}

async function measure(
  name: string,
  servers: readonly VaultServer[],
  settings: Settings,
): Promise<Line> {
  const [first] = servers;
  if (first === undefined) throw new Error('no server');
  await prepare(first);
  const { token, tokens } = await makeTokens(first);
  const run = async (scenario: ScenarioName, durationMs: number): Promise<Measured> => {
    const share = Math.ceil(settings.connections / servers.length);
    const all = await Promise.all(
      (scenario === 'bulk load' ? [first] : servers).map(({ api }) =>
        runLoad({
          scenario,
          port: Number(new URL(api.address).port),
          connections: share,
          processes: 1,
          warmUpMs: scenario === 'bulk load' ? 0 : WARM_UP_MS,
          durationMs,
          roundsMax: ROUNDS_MAX,
          input: {
            token,
            tokens,
            jwts: { ES256: '', RS256: '' },
            accessKey: NO_KEY,
            stored: settings.stored,
            from: 0,
          },
        }),
      ),
    );
    return together(all);
  };
  await run('bulk load', STORE_MS_MAX);
  const results = new Map<string, Measured & { readonly cpuUs: number }>();
  for (const scenario of SCENARIOS) {
    const cpuMs = (): number =>
      servers.reduce((sum, { child }) => sum + (child.cpuMs() ?? Number.NaN), 0);
    const before = cpuMs();
    const measured = await run(scenario, settings.seconds * 1000);
    if (measured.failures > 0) throw new Error(measured.firstFailure);
    results.set(scenario, {
      ...measured,
      cpuUs: ((cpuMs() - before) * 1000) / measured.roundsWithWarmUp,
    });
  }
  return { name, results };
}

function together(all: readonly Measured[]): Measured {
  const sum = (of: (one: Measured) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  return {
    perSecond: sum((one) => one.perSecond),
    p50Ms: Math.max(...all.map((one) => one.p50Ms)),
    p99Ms: Math.max(...all.map((one) => one.p99Ms)),
    rounds: sum((one) => one.rounds),
    roundsWithWarmUp: sum((one) => one.roundsWithWarmUp),
    failures: sum((one) => one.failures),
    firstFailure: all.find((one) => one.firstFailure !== undefined)?.firstFailure,
  };
}

async function strongrooms(postgres: Postgres, count: number, settings: Settings): Promise<Line> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-replicas-'));
  const database = `strongroom_${count}`;
  await postgres.createDatabase(database);
  const urls = Array.from({ length: count }, () => postgres.url(database));
  const cluster = await startCluster({ folder, urls });
  try {
    return await measure(`${count} × strongroom`, cluster.servers, settings);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function reference(postgres: Postgres, path: string, settings: Settings): Promise<Line> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-replicas-'));
  await postgres.createDatabase('openbao');
  const url = postgres.url('openbao');
  const program = {
    ...openbao(path),
    storage: () => `storage "postgresql" {\n  connection_url = "${url}"\n}\ndisable_mlock = true`,
  };
  const server = await startVaultServer(program, { folder });
  try {
    return await measure('openbao', [server], settings);
  } finally {
    server.api.close();
    await server.child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function render(lines: readonly Line[]): string {
  const bao = lines.find(({ name }) => name === 'openbao');
  const text = ['servers             ' + SCENARIOS.map((name) => name.padEnd(48)).join('')];
  for (const { name, results } of lines) {
    const cells = SCENARIOS.map((scenario) => {
      const found = results.get(scenario);
      const other = bao?.results.get(scenario);
      if (found === undefined) return '';
      const ratio =
        other === undefined || name === 'openbao'
          ? ''
          : ` ${(found.perSecond / other.perSecond).toFixed(1)}×`;
      return `${found.perSecond.toFixed(0)}/s${ratio}, p99 ${found.p99Ms.toFixed(1)} ms, cpu ${found.cpuUs.toFixed(0)} µs`.padEnd(
        48,
      );
    });
    text.push(name.padEnd(20) + cells.join(''));
  }
  return text.join('\n');
}

async function main(): Promise<void> {
  const { values } = readArguments(USAGE, {
    options: {
      openbao: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '64' },
      stored: { type: 'string', default: '1000' },
      servers: { type: 'string', default: '1,2,3' },
    },
  });
  const settings: Settings = {
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    stored: Number(values.stored),
  };
  const postgres = await startPostgres();
  try {
    const lines: Line[] = [];
    if (values.openbao !== undefined) {
      lines.push(await reference(postgres, values.openbao, settings));
    }
    for (const count of values.servers.split(',')) {
      lines.push(await strongrooms(postgres, Number(count), settings));
    }
    console.log(render(lines));
  } finally {
    await postgres.stop();
  }
}

await main();
