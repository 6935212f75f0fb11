/** A balancer as plain as can be: each new connection goes to the next server. */
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

export interface RoundRobin {
  readonly port: number;
  close(): Promise<void>;
}

/** @param ports of the servers on 127.0.0.1. @param port to listen on; 0 = any. */
export async function startRoundRobin(ports: readonly number[], port = 0): Promise<RoundRobin> {
  let next = 0;
  const listener = createServer((client) => {
    const server = connect(ports[next++ % ports.length] ?? 0, '127.0.0.1');
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // Also what comes when the pipeline no longer listens.
      socket.on('error', () => {});
    }
    // Ends both when either has ended, whatever the other has not read yet.
    pipeline(client, server, client, () => {
      client.destroy();
      server.destroy();
    });
  });
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => new Promise((resolve) => listener.close(() => resolve())),
  };
}
