/** A TCP proxy that spoils connections on command: cuts them, delays what passes, or swallows it without a word. */
import { createServer, connect } from 'node:net';
import type { Server, Socket } from 'node:net';

/** What becomes of bytes in one direction: they pass, late or not, or go nowhere. */
export interface Passage {
  readonly delayMs?: number;
  readonly blackHole?: boolean;
}

export interface TcpProxy {
  readonly port: number;
  /** From now on, for both directions or one; existing connections included. */
  spoil(passages: { readonly toServer?: Passage; readonly toClient?: Passage }): void;
  heal(): void;
  /** Resets every connection. */
  cut(): void;
  /** From now on to this port instead; resets what leads to the former. */
  turnTo(target: number): void;
  /** Resets the next connection that sends a reply, once that reply holds `bytes`; resolves when it happened. */
  cutAtReply(matches: (bytes: Buffer) => boolean): Promise<void>;
  /** Likewise, once it sends such a request; the request itself still goes on to the server, the answer does not come back. */
  cutAfterRequest(matches: (bytes: Buffer) => boolean): Promise<void>;
  readonly connections: number;
  close(): Promise<void>;
}

interface Trap {
  readonly side: 'toServer' | 'toClient';
  readonly matches: (bytes: Buffer) => boolean;
  readonly sprung: () => void;
}

/** Forwards to 127.0.0.1:`towards`; listens on a free port, or on `port`. */
export async function startTcpProxy(towards: number, port = 0): Promise<TcpProxy> {
  let target = towards;
  let passages: { toServer: Passage; toClient: Passage } = { toServer: {}, toClient: {} };
  let traps: Trap[] = [];
  const pairs = new Set<readonly [Socket, Socket]>();

  function accept(client: Socket): void {
    const server = connect(target, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    forward(client, server, 'toServer', pair);
    forward(server, client, 'toClient', pair);
  }

  function forward(
    from: Socket,
    to: Socket,
    side: Trap['side'],
    [client, server]: readonly [Socket, Socket],
  ): void {
    from.on('data', (bytes: Buffer) => {
      const found = traps.find((each) => each.side === side && each.matches(bytes));
      if (found !== undefined) {
        traps = traps.filter((each) => each !== found);
        if (side === 'toServer') server.end(bytes);
        client.resetAndDestroy();
        found.sprung();
        return;
      }
      const { delayMs = 0, blackHole = false } = passages[side];
      if (blackHole) return;
      if (delayMs === 0) to.write(bytes);
      else setTimeout(() => to.writable && to.write(bytes), delayMs).unref();
    });
  }

  function trap(side: Trap['side'], matches: (bytes: Buffer) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    traps.push({ side, matches, sprung: resolve });
    return promise;
  }

  const listener: Server = createServer(accept);
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  const address = listener.address();
  const cut = (): void => {
    for (const [client, server] of Array.from(pairs)) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections(): number {
      return pairs.size;
    },
    spoil: ({ toServer = {}, toClient = {} }) => (passages = { toServer, toClient }),
    heal: () => (passages = { toServer: {}, toClient: {} }),
    cut,
    turnTo: (other) => {
      target = other;
      cut();
    },
    cutAtReply: (matches) => trap('toClient', matches),
    cutAfterRequest: (matches) => trap('toServer', matches),
    close: async () => {
      cut();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
