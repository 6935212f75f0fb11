/** What tests of the ACME server share: a whole server behind a socket, a DNS server, and hosts that answer challenges. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { http } from '../../base/node-http.ts';
import type { AddressInfo, Server } from 'node:net';
import type { TestContext } from 'node:test';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../base/clock.ts';
import { ManualClock } from '../../base/clock-fixture.ts';
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { createVaultFacade } from '../../facades/vault/vault-facade.ts';
import { InFlightRegistry } from '../../http/in-flight.ts';
import { Listener } from '../../http/listener.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

/** Clients from elsewhere go by the real time. */
class RealClock extends ManualClock {
  override nowMs(): number {
    return systemClock.nowMs();
  }

  override monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  override after(delayMs: number, action: () => void): () => void {
    return systemClock.after(delayMs, action);
  }
}

/** Records that the DNS server shows: texts by name. Every name has the address 127.0.0.1. */
export type Zone = Map<string, string>;

const TYPE_A = 1;
const TYPE_TXT = 16;
const HEADER_BYTES = 12;

function answerTo(query: Buffer, zone: Zone): Buffer {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join('.').toLowerCase();
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(HEADER_BYTES, at + 5);
  const text = zone.get(name);
  let data: Buffer | undefined;
  if (type === TYPE_A) data = Buffer.from([127, 0, 0, 1]);
  if (type === TYPE_TXT && text !== undefined) {
    data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  }
  const header = Buffer.from([...query.subarray(0, 2), 0x85, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
  if (data === undefined) return Buffer.concat([header, question]);
  header.writeUInt16BE(1, 6);
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([header, question, record, data]);
}

async function dnsServer(context: TestContext, zone: Zone): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    socket.send(answerTo(query, zone), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  context.after(() => socket.close());
  return socket.address().port;
}

async function portOf(context: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

export interface Ground {
  readonly server: OpenInstance;
  /** URL of the mount. */
  readonly url: string;
  readonly zone: Zone;
  /** Answers of the web server at every name, by path. */
  readonly pages: Map<string, string>;
  /** Where the web server sends those who ask for a page that it does not have. */
  redirect: string;
  readonly asked: string[];
  /** Certificates for `acme-tls/1`, by host. */
  readonly proofs: Map<string, { readonly key: Buffer; readonly cert: Buffer }>;
  readonly configure: (config: JsonObject) => Promise<void>;
}

/** A PKI mount with a root, whose ACME server looks for all hosts on this machine. */
export async function openGround(context: TestContext): Promise<Ground> {
  const server = await openInstance({ clock: new RealClock() });
  const facade = createVaultFacade({
    handle: server.instance.handle,
    log: silentLog,
    cors: server.instance.cors,
  });
  const listener = new Listener({
    place: { host: '127.0.0.1', port: 0 },
    facade,
    clock: systemClock,
    log: silentLog,
    inFlight: new InFlightRegistry({ clock: systemClock, random: systemRandom }),
  });
  const url = `${await listener.listen()}/v1/pki`;
  context.after(async () => {
    await listener.close(0);
    await server.instance.close();
  });

  const zone: Zone = new Map();
  const pages = new Map<string, string>();
  const proofs = new Map<string, { readonly key: Buffer; readonly cert: Buffer }>();
  const asked: string[] = [];
  const ground = { server, url, zone, pages, proofs, asked, redirect: '' };
  const httpPort = await portOf(
    context,
    http.createServer((request, response) => {
      const path = request.url ?? '';
      asked.push(path);
      const page = pages.get(path);
      if (page !== undefined) response.end(page);
      else if (ground.redirect === '') response.writeHead(404).end();
      else response.writeHead(302, { Location: ground.redirect }).end();
    }),
  );
  const tlsPort = await portOf(
    context,
    createTlsServer({
      ALPNProtocols: ['acme-tls/1'],
      SNICallback(host, done) {
        const proof = proofs.get(host);
        if (proof === undefined) done(new Error('no such host'));
        else done(null, createSecureContext(proof));
      },
    }),
  );
  const dnsPort = await dnsServer(context, zone);
  async function configure(config: JsonObject): Promise<void> {
    await server.get('write', 'pki/config/acme', {
      data: {
        enabled: true,
        dns_resolver: `127.0.0.1:${dnsPort}`,
        validation_networks: ['127.0.0.0/8'],
        http_port: httpPort,
        tls_port: tlsPort,
        ...config,
      },
    });
  }

  await server.get('write', 'sys/mounts/pki', {
    data: {
      type: 'pki',
      config: {
        passthrough_request_headers: ['If-Modified-Since'],
        allowed_response_headers: ['Replay-Nonce', 'Link', 'Location', 'Last-Modified'],
        max_lease_ttl: '720h',
      },
    },
  });
  await server.get('write', 'pki/config/cluster', { data: { path: url } });
  await server.get('write', 'pki/root/generate/internal', {
    data: { common_name: 'Ground', key_type: 'ec', ttl: '700h' },
  });
  await configure({});
  return Object.assign(ground, { configure });
}
