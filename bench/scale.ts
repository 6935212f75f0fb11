/**
 * What many secrets, people, tokens and leases cost: `bin/node bench/scale.ts [--postgresql] [few] [many] [directory]`, 1000 and 200 000 unless told
 * otherwise. Fills two stores, embedded or in databases of a PostgreSQL that it starts, through the core, opens each in a process of its own, and lets both do the same turn by turn, so that what else the machine does
 * meets both: the start, memory, processor time and median of single requests, and the end of a few thousand. What grows with the number is a defect.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostgres } from '../rig/postgresql.ts';
import { fill } from './scale/fill.ts';
import type { Place } from './scale/fill.ts';
import type { Figures, Turn } from './scale/serve.ts';

const ROUNDS = 6;
/** The first warm up. */
const ROUNDS_LEFT_OUT = 2;
const REQUESTS = 200;

const { values: wished, positionals } = parseArgs({
  options: { postgresql: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [few = '1000', many = '200000', directory = tmpdir()] = positionals;

interface Told {
  readonly figures: Figures;
  readonly names?: readonly string[];
}

class Server {
  readonly #child: ChildProcess;
  readonly figures: Record<string, number[]> = {};

  constructor({ folder, databaseUrl }: Place) {
    const file = fileURLToPath(new URL('scale/serve.ts', import.meta.url));
    this.#child = fork(file, [folder, ...(databaseUrl === undefined ? [] : [databaseUrl])]);
  }

  /** What it says next, after it was told this. */
  async told(turn?: Turn | 'end'): Promise<Told> {
    const { promise, resolve, reject } = Promise.withResolvers<Told>();
    const ended = (): void => reject(new Error('a server ended'));
    this.#child.once('message', resolve).once('exit', ended);
    if (turn !== undefined) this.#child.send(turn);
    const told = await promise;
    this.#child.off('exit', ended);
    return told;
  }

  keep(prefix: string, figures: Figures): void {
    for (const [name, value] of Object.entries(figures)) {
      (this.figures[prefix + name] ??= []).push(value);
    }
  }
}

async function compare(counts: readonly number[]): Promise<void> {
  const places: Place[] = [];
  const postgres = wished.postgresql ? await startPostgres() : undefined;
  try {
    for (const count of counts) {
      const folder = mkdtempSync(join(directory, 'bench-scale-'));
      const database = `scale_${places.length}`;
      await postgres?.createDatabase(database);
      const place = { folder, databaseUrl: postgres?.url(database) };
      places.push(place);
      const startMs = performance.now();
      await fill(place, count);
      const seconds = (performance.now() - startMs) / 1000;
      console.log(`${count} secrets, people, tokens and leases stored in ${seconds.toFixed(1)} s`);
    }
    const servers: Server[] = [];
    let names: readonly string[] = [];
    for (const place of places) {
      const server = new Server(place);
      const told = await server.told();
      server.keep('', told.figures);
      names = told.names ?? [];
      servers.push(server);
    }
    await takeTurns(servers, names);
    for (const server of servers) server.keep('', (await server.told('end')).figures);
    show(counts, servers);
  } finally {
    await postgres?.stop();
    for (const { folder } of places) rmSync(folder, { recursive: true, force: true });
  }
}

async function takeTurns(servers: readonly Server[], names: readonly string[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      // Who goes first changes.
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
        const turn = { name, from: round * REQUESTS, count: REQUESTS };
        const { figures } = await server.told(turn);
        if (round < ROUNDS_LEFT_OUT) continue;
        const { cpuUs = 0, medianUs = 0 } = figures;
        server.keep(name, { ', CPU µs': cpuUs, ', median µs': medianUs });
      }
    }
  }
}

function show(counts: readonly number[], servers: readonly Server[]): void {
  console.log(`${''.padEnd(44)}${counts.map((count) => String(count).padStart(12)).join('')}`);
  const [small, large] = servers;
  for (const name of Object.keys(small?.figures ?? {})) {
    const values = [small, large].map((server) => middle(server?.figures[name] ?? []));
    const [first = 0, second = 0] = values;
    const shown = values.map((value) => value.toFixed(2).padStart(12)).join('');
    console.log(`${name.padEnd(44)}${shown}  ×${(second / first).toFixed(2)}`);
  }
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

await compare([Number(few), Number(many)]);
