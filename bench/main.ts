/**
 * `npm run bench -- [--openbao PATH]`: throughput, p99 and memory of Strongroom, of a bare node:http server and of an OpenBao
 * binary, in one run on one machine, with a file audit device. Prints a table; `--json FILE` keeps the figures.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { readArguments } from '../rig/arguments.ts';
import { POSTGRESQL_HINT, postgresPrograms } from '../rig/postgresql.ts';
import { openbao, strongroom } from '../rig/vault-server.ts';
import { runLoad } from './load.ts';
import { GRPC_SCENARIO, SCENARIOS } from './scenarios.ts';
import { startEmulator } from './emulators.ts';
import type { Cloud } from './emulators.ts';
import { startHello, startVault } from './targets.ts';
import { renderReport } from './report.ts';
import type { Load, Measured } from './load.ts';
import type { ScenarioName } from './scenarios.ts';
import type { Target } from './targets.ts';

const USAGE = `Usage: npm run bench -- [options]
  --openbao PATH     an OpenBao executable to compare with
  --seconds N        per scenario (default 5)
  --connections N    kept-alive connections (default 64)
  --processes N      load processes (default: cores - 1, at most 4)
  --stored N         secrets stored before reads (default 1000)
  --grow N           then store N secrets and read again, to see what size costs
  --emulator-aws X, --emulator-azure X, --emulator-google X
                     an emulator beside Strongroom's API of that cloud: its address (http://127.0.0.1:PORT), or a command
                     that starts it, in which {port} and {grpc} stand for the ports
  --emulator-token T what emulators take as a bearer token (default: any)
  --only A,B         of hello, strongroom, openbao, aws, azure, google
  --scenarios A,B    of ${SCENARIOS.join(', ')}
  --json FILE        the figures`;

const DATABASE = 'database creds';
const ROUNDS_MAX = 5_000_000;
/** Before each measurement as many rounds as compilers need, or what comes of them within a time; neither is counted. */
const WARM_UP_ROUNDS = 4_000;
const WARM_UP_MS_MAX = 4_000;
const BULK_LOAD_MS_MAX = 3_600_000;

export interface ScenarioReport extends Measured {
  /** Processor time of the server per round, which other load on the machine changes little. */
  readonly cpuUs: number;
}

export interface TargetReport {
  readonly name: string;
  readonly firstAnswerMs: number | undefined;
  readonly readyMs: number | undefined;
  readonly scenarios: Readonly<Record<string, ScenarioReport>>;
  readonly residentMib: number | undefined;
  readonly peakMib: number | undefined;
}

interface Settings {
  readonly seconds: number;
  readonly connections: number;
  readonly processes: number;
  readonly stored: number;
  readonly grow: number | undefined;
  readonly scenarios: readonly ScenarioName[];
}

function loadOf(settings: Settings, target: Target, scenario: ScenarioName): Load {
  return {
    scenario,
    port: (scenario === GRPC_SCENARIO ? target.grpcPort : undefined) ?? target.port,
    connections: settings.connections,
    processes: settings.processes,
    warmUpMs: 0,
    durationMs: settings.seconds * 1000,
    roundsMax: ROUNDS_MAX,
    input: { ...target.input, stored: settings.stored },
  };
}

async function store(settings: Settings, target: Target, from: number, to: number): Promise<void> {
  const start = performance.now();
  const load = loadOf(settings, target, 'bulk load');
  const measured = await runLoad({
    ...load,
    durationMs: BULK_LOAD_MS_MAX,
    input: { ...load.input, stored: to, from },
  });
  if (measured.failures > 0) throw new Error(`cannot store: ${measured.firstFailure ?? ''}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.error(`  ${target.name}: stored ${to - from} secrets in ${seconds} s`);
}

async function measure(target: Target, settings: Settings): Promise<TargetReport> {
  const scenarios: Record<string, ScenarioReport> = {};
  const run = async (name: ScenarioName, title: string, stored: number): Promise<void> => {
    const plain = loadOf(settings, target, name);
    const load = { ...plain, input: { ...plain.input, stored } };
    await runLoad({ ...load, durationMs: WARM_UP_MS_MAX, roundsMax: WARM_UP_ROUNDS });
    const cpuBeforeMs = target.child?.cpuMs();
    const measured = await runLoad(load);
    const cpuMs = (target.child?.cpuMs() ?? Number.NaN) - (cpuBeforeMs ?? Number.NaN);
    scenarios[title] = { ...measured, cpuUs: (cpuMs * 1000) / measured.roundsWithWarmUp };
    const failures = measured.failures === 0 ? '' : `, ${measured.failures} FAILED`;
    console.error(`  ${target.name}: ${title} ${measured.perSecond.toFixed(0)}/s${failures}`);
    if (measured.firstFailure !== undefined) console.error(measured.firstFailure);
  };
  if (target.keepsBulk) await store(settings, target, 0, settings.stored);
  for (const name of target.name === 'hello' ? ['hello' as const, ...SCENARIOS] : SCENARIOS) {
    const wanted = name === 'hello' || settings.scenarios.includes(name);
    if (wanted && target.serves(name)) await run(name, name, settings.stored);
  }
  if (target.keepsBulk && settings.grow !== undefined) {
    await store(settings, target, settings.stored, settings.grow);
    await run('kv read', `kv read of ${settings.grow}`, settings.grow);
    await run('kv read', `kv read of ${settings.stored} among ${settings.grow}`, settings.stored);
  }
  const memory = target.child?.memory();
  return {
    name: target.name,
    firstAnswerMs: target.firstAnswerMs,
    readyMs: target.readyMs,
    scenarios,
    residentMib: memory?.residentMib,
    peakMib: memory?.peakMib,
  };
}

async function main(): Promise<number> {
  const { values } = readArguments(USAGE, {
    options: {
      openbao: { type: 'string' },
      'emulator-aws': { type: 'string' },
      'emulator-azure': { type: 'string' },
      'emulator-google': { type: 'string' },
      'emulator-token': { type: 'string', default: 'any' },
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '64' },
      processes: {
        type: 'string',
        default: String(Math.min(4, Math.max(1, availableParallelism() - 1))),
      },
      stored: { type: 'string', default: '1000' },
      grow: { type: 'string' },
      only: { type: 'string' },
      scenarios: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const wanted = values.scenarios?.split(',') ?? SCENARIOS;
  const lends = wanted.includes(DATABASE) && postgresPrograms() !== undefined;
  if (wanted.includes(DATABASE) && !lends)
    console.error(`left out: ${DATABASE} (${POSTGRESQL_HINT})`);
  const settings: Settings = {
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    processes: Number(values.processes),
    stored: Number(values.stored),
    grow: values.grow === undefined ? undefined : Number(values.grow),
    scenarios: SCENARIOS.filter((name) => wanted.includes(name) && (name !== DATABASE || lends)),
  };
  const bao = values.openbao;
  const token = values['emulator-token'];
  const emulator = (cloud: Cloud, place: string | undefined): (() => Promise<Target>) | undefined =>
    place === undefined ? undefined : () => startEmulator({ cloud, place, token });
  const starters: Readonly<Record<string, (() => Promise<Target>) | undefined>> = {
    hello: startHello,
    strongroom: () => startVault(strongroom, lends),
    openbao: bao === undefined ? undefined : () => startVault(openbao(bao), lends),
    aws: emulator('aws', values['emulator-aws']),
    azure: emulator('azure', values['emulator-azure']),
    google: emulator('google', values['emulator-google']),
  };
  const names = values.only?.split(',') ?? Object.keys(starters);
  const reports: TargetReport[] = [];
  for (const name of names) {
    const start = starters[name];
    if (start === undefined) continue;
    const target = await start();
    try {
      reports.push(await measure(target, settings));
    } finally {
      await target.stop();
    }
  }
  console.log(renderReport(reports));
  const machine = {
    cores: cpus().length,
    model: cpus()[0]?.model,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  if (values.json !== undefined) {
    const report = { at: new Date().toISOString(), machine, settings, targets: reports };
    writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  const failed = reports.some((report) =>
    Object.values(report.scenarios).some((measured) => measured.failures > 0),
  );
  return failed ? 1 : 0;
}

process.exitCode = await main();
