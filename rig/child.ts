/** A server process that a rig started: its output, its memory, and an end that reaches nothing but itself. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { ChildProcess } from 'node:child_process';

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Most output that is kept, from its end. */
const OUTPUT_CHARACTERS_MAX = 256 * 1024;
const STOP_TIMEOUT_MS = 15_000;

/** Those that still run, so that none outlives the rig. */
const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.signal('SIGKILL');
});
// A rig that is told to end, by a test runner out of patience above all, takes them along too.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Child {
  readonly #process: ChildProcess;
  readonly exited: Promise<Exit>;
  #output = '';
  #exit: Exit | undefined;

  constructor(argv: readonly string[], options: ChildOptions = {}) {
    const [program = '', ...args] = argv;
    this.#process = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that a signal reaches the program under a wrapper (strace) too.
      detached: true,
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.exited = promise;
    running.add(this);
    this.#process.on('error', (error) => {
      this.#keep(`${error.message}\n`);
      this.#exit = { code: 127, signal: null };
      resolve(this.#exit);
    });
    this.#process.on('exit', (code, signal) => {
      running.delete(this);
      this.#exit = { code, signal };
      resolve(this.#exit);
    });
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#keep(chunk.toString()));
    this.#process.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk.toString()));
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS_MAX);
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** What it wrote to standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (this.#exit !== undefined || pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It ended a moment ago.
    }
  }

  /** Asks it to end, and ends it when it does not. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_TIMEOUT_MS);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  /** Processor time used so far, in milliseconds; undefined where /proc is missing. */
  cpuMs(): number | undefined {
    try {
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
      // After the name in parentheses: utime and stime are the 12th and 13th field, in ticks of 10 ms (proc(5)).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    } catch {
      return undefined;
    }
  }

  /** Resident memory and its peak, in MiB; undefined where /proc is missing. */
  memory(): { residentMib: number; peakMib: number } | undefined {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
      return { residentMib: mib(status, 'VmRSS'), peakMib: mib(status, 'VmHWM') };
    } catch {
      return undefined;
    }
  }
}

function mib(status: string, field: string): number {
  const line = status.split('\n').find((text) => text.startsWith(`${field}:`)) ?? '';
  return Math.round(Number.parseInt(line.slice(field.length + 1), 10) / 1024);
}

/** A port on which nothing listened a moment ago. */
export function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.on('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  return promise;
}
