/**
 * A forward proxy (HTTP CONNECT, RFC 9110 §9.3.6) that leads every name to loopback, so that unmodified clients can use host names
 * without a name service: they are told of it by `HTTPS_PROXY`, as in any company network.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

export interface NameProxy {
  /** `http://127.0.0.1:port` */
  readonly address: string;
  stop(): Promise<void>;
}

function tunnel(request: IncomingMessage, client: Duplex, head: Buffer, open: Set<Duplex>): void {
  const port = Number(request.url?.split(':').at(-1));
  const server = connect({ host: '127.0.0.1', port });
  open.add(client);
  client.once('close', () => {
    open.delete(client);
    server.destroy();
  });
  client.on('error', () => server.destroy());
  server.on('error', () => client.destroy());
  server.once('close', () => client.destroy());
  server.once('connect', () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    server.write(head);
    server.pipe(client);
    client.pipe(server);
  });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export async function startNameProxy(): Promise<NameProxy> {
  const open = new Set<Duplex>();
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) =>
    tunnel(request, client, head, open),
  );
  const port = await listen(server);
  return {
    address: `http://127.0.0.1:${port}`,
    async stop() {
      for (const client of open) client.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
