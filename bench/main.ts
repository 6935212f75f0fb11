/**
 * `npm run bench -- [--openbao PATH]`: throughput, p99 and memory of Strongroom, of a bare node:http server and of an OpenBao
 * binary, turn by turn on one machine, with a file audit device. Prints a table; `--json FILE` keeps the figures.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { readArguments } from '../rig/arguments.ts';
import { POSTGRESQL_HINT, postgresPrograms } from '../rig/postgresql.ts';
import { openbao, strongroom } from '../rig/vault-server.ts';
import { SCENARIOS } from './scenarios.ts';
import { startEmulator } from './emulators.ts';
import type { Cloud } from './emulators.ts';
import { startHello, startVault } from './targets.ts';
import { renderReport } from './report.ts';
import { takeTurns } from './turns.ts';
import type { Settings, TargetReport } from './turns.ts';
import type { Target } from './targets.ts';

/** Of each scenario at each server. */
const ROUNDS = 3;

const USAGE = `Usage: npm run bench -- [options]
  --openbao PATH     an OpenBao executable to compare with
  --seconds N        per scenario and server (default 6)
  --rounds N         turns in which those seconds are spent (default ${ROUNDS})
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

async function main(): Promise<number> {
  const { values } = readArguments(USAGE, {
    options: {
      openbao: { type: 'string' },
      'emulator-aws': { type: 'string' },
      'emulator-azure': { type: 'string' },
      'emulator-google': { type: 'string' },
      'emulator-token': { type: 'string', default: 'any' },
      seconds: { type: 'string', default: '6' },
      rounds: { type: 'string', default: String(ROUNDS) },
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
    rounds: Number(values.rounds),
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
  const targets: Target[] = [];
  let reports: readonly TargetReport[] = [];
  try {
    for (const name of names) {
      const target = await starters[name]?.();
      if (target !== undefined) targets.push(target);
    }
    reports = await takeTurns(targets, settings);
  } finally {
    for (const target of targets) await target.stop();
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
