/** Test kit: a listener on a free port in front of a facade that tells what reached it, and raw clients. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { BodyError } from '../facades/facade.ts';
import type { Facade, WireReply, WireRequest } from '../facades/facade.ts';
import { InFlightRegistry } from './in-flight.ts';
import { Listener } from './listener.ts';
import type { ListenerOptions } from './listener-options.ts';

export type Serve = (request: WireRequest) => Promise<WireReply> | WireReply;

const BODY_BYTES_MAX = 1024 * 1024;

/** Says `METHOD target body`. */
export async function echo(request: WireRequest): Promise<WireReply> {
  try {
    const body = await request.readBody(BODY_BYTES_MAX);
    return said(200, `${request.method} ${request.target} ${body.toString('latin1')}`);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    return said(error.reason === 'too_large' ? 413 : 400, error.reason);
  }
}

export function said(status: number, body: string): WireReply {
  return { status, headers: { 'Content-Type': 'text/plain' }, body };
}

export interface Running {
  readonly listener: Listener;
  readonly port: number;
  readonly inFlight: InFlightRegistry;
}

/** A listener that the end of the test closes. */
export async function running(
  context: TestContext,
  serve: Serve = echo,
  options: Partial<ListenerOptions> = {},
): Promise<Running> {
  const facade: Facade = {
    handle: async (request) => serve(request),
    refuse: (status, message) => said(status, message),
  };
  const inFlight = new InFlightRegistry({ clock: systemClock, random: systemRandom });
  const listener = new Listener({
    place: { host: '127.0.0.1', port: 0 },
    facade,
    clock: systemClock,
    log: silentLog,
    inFlight,
    ...options,
  });
  const address = await listener.listen();
  context.after(() => listener.close(0));
  const port = address.startsWith('unix:') ? 0 : Number(new URL(address).port);
  return { listener, port, inFlight };
}

/** Bytes as they come off the wire. */
export class RawClient {
  readonly socket: Socket;
  text = '';
  closed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new RawClient(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends one piece and waits until it is on its way, so that the next one is a read of its own at the other end. */
  async send(piece: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece, () =>
        resolve(),
      );
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits until what came contains `wanted`, or the connection is closed. */
  async until(wanted: string | RegExp): Promise<string> {
    for (;;) {
      const found =
        typeof wanted === 'string' ? this.text.includes(wanted) : wanted.test(this.text);
      if (found || this.closed) return this.text;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<string> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.text;
  }

  statuses(): readonly number[] {
    return Array.from(this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g), (match) => Number(match[1]));
  }
}
