/** TLS: versions and suites, client certificates, reload, LIST, bad handshakes. Certificates are made by openssl for the test. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { WireRequest } from '../facades/facade.ts';
import { RawClient, running, said } from './listener.testkit.ts';
import type { Running, Serve } from './listener.testkit.ts';
import type { TlsSettings } from './tls.ts';

const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;
const HOST = 'HTTP/1.1\r\nHost: a\r\n';

let folder = '';

function file(name: string): string {
  return join(folder, name);
}

function openssl(...argv: readonly string[]): void {
  execFileSync('openssl', argv, { cwd: folder, stdio: 'pipe' });
}

/** Makes NAME.crt and NAME.key, self-signed, or signed by `issuer`. */
function certify(name: string, issuer?: string): void {
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    `${name}.key`,
  ];
  const subject = ['-subj', `/CN=${name}`];
  if (issuer === undefined) {
    openssl('req', '-x509', ...key, ...subject, '-days', '2', '-out', `${name}.crt`);
    return;
  }
  openssl('req', ...key, ...subject, '-out', `${name}.csr`);
  const signer = ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-CAcreateserial'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-days', '2', '-out', `${name}.crt`);
}

function pem(name: string): { certificate: Buffer; key: Buffer } {
  return { certificate: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) };
}

const loadServer = (): ReturnType<TlsSettings['load']> => pem('server');

function serving(
  context: TestContext,
  tls: Partial<TlsSettings> = {},
  serve?: Serve,
): Promise<Running> {
  return running(context, serve, { tls: { load: loadServer, ...tls } });
}

function open(
  port: number,
  options: ConnectionOptions = {},
): Promise<{ client: RawClient; socket: TLSSocket }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () =>
      resolve({ client: new RawClient(socket), socket }),
    );
    socket.once('error', reject);
  });
}

function subjects(request: WireRequest): string {
  const names = request.connection.clientCertificates.map(
    (der) => new X509Certificate(der).subject,
  );
  return JSON.stringify(names);
}

async function asked(port: number, options: ConnectionOptions = {}): Promise<string> {
  const { client } = await open(port, options);
  await client.send(`GET /v1/a ${HOST}Connection: close\r\n\r\n`);
  return (await client.rest()).split('\r\n\r\n')[1] ?? '';
}

describe('TLS', { skip: HAS_OPENSSL ? false : 'openssl is not installed' }, () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'listener-tls-'));
    for (const name of ['server', 'other-server', 'ca', 'stranger']) certify(name);
    certify('client', 'ca');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('serves requests, bodies and verbs', async (context) => {
    const { port, listener } = await serving(context);
    assert.equal(listener.address, `https://127.0.0.1:${port}`);
    const { client } = await open(port);
    await client.send(`POST /v1/a ${HOST}Content-Length: 2\r\n\r\n{}`);
    await client.until('POST /v1/a {}');
    for (const verb of ['LIST', 'SCAN', 'GET', 'LIST']) {
      await client.send(`${verb} /v1/${verb} ${HOST}\r\n`);
      await client.until(`${verb} /v1/${verb} `);
    }
    await client.send(`POST /v1/b ${HOST}Content-Length: 5\r\n\r\n`);
    await client.send('LIST ');
    await client.rest();
    assert.ok(client.text.endsWith('POST /v1/b LIST '));
    assert.deepEqual(client.statuses(), [200, 200, 200, 200, 200, 200]);
  });

  test('TLS 1.3 and 1.2 with forward-secret AEAD suites, nothing else', async (context) => {
    const { port } = await serving(context);
    const negotiated = async (options: ConnectionOptions): Promise<string> => {
      const { socket } = await open(port, options);
      const text = `${socket.getProtocol()} ${socket.getCipher().standardName}`;
      socket.destroy();
      return text;
    };
    assert.match(await negotiated({}), /^TLSv1\.3 TLS_(AES|CHACHA20)/);
    assert.match(
      await negotiated({ maxVersion: 'TLSv1.2' }),
      /^TLSv1\.2 TLS_ECDHE_ECDSA_WITH_(AES_\d+_GCM|CHACHA20)/,
    );
    const REFUSED: readonly ConnectionOptions[] = [
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' },
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-CCM' },
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
      { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_CCM_SHA256' },
      { ecdhCurve: 'X448' },
      { ecdhCurve: 'P-521' },
    ];
    for (const options of REFUSED)
      await assert.rejects(negotiated(options), JSON.stringify(options));
  });

  test('a minimum of 1.3, and named suites for 1.2', async (context) => {
    const strict = await serving(context, { minVersion: 'TLSv1.3' });
    await assert.rejects(open(strict.port, { maxVersion: 'TLSv1.2' }));
    const named = await serving(context, {
      cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
    });
    const { socket } = await open(named.port, { maxVersion: 'TLSv1.2' });
    assert.equal(socket.getCipher().name, 'ECDHE-ECDSA-AES256-GCM-SHA384');
    socket.destroy();
  });

  test('client certificates: asked for, not required, passed on unverified as a chain', async (context) => {
    const { port } = await serving(context, {}, (request) => said(200, subjects(request)));
    assert.equal(await asked(port), '[]');
    const stranger = pem('stranger');
    assert.equal(
      await asked(port, { cert: stranger.certificate, key: stranger.key }),
      '["CN=stranger"]',
    );
    const chain = Buffer.concat([pem('client').certificate, pem('ca').certificate]);
    assert.equal(
      await asked(port, { cert: chain, key: pem('client').key }),
      '["CN=client","CN=ca"]',
    );
  });

  test('client certificates: required and verified', async (context) => {
    const load = (): ReturnType<TlsSettings['load']> => ({
      ...pem('server'),
      clientCa: pem('ca').certificate,
    });
    const { port } = await serving(context, { load, clientCertificates: 'required' }, (request) =>
      said(200, subjects(request)),
    );
    const good = pem('client');
    assert.match(await asked(port, { cert: good.certificate, key: good.key }), /CN=client/);
    const bad = pem('stranger');
    for (const options of [{}, { cert: bad.certificate, key: bad.key }]) {
      // Under TLS 1.3 the client learns of the refusal only after its own handshake.
      const answer = await asked(port, options).catch(() => '');
      assert.equal(answer, '');
    }
  });

  test('client certificates: not asked for', async (context) => {
    const { port } = await serving(context, { clientCertificates: 'none' }, (request) =>
      said(200, subjects(request)),
    );
    const { certificate, key } = pem('client');
    assert.equal(await asked(port, { cert: certificate, key }), '[]');
  });

  test('a reload changes the certificate for new connections and leaves the old ones', async (context) => {
    let name = 'server';
    const { port, listener } = await serving(context, { load: () => pem(name) });
    const first = await open(port);
    name = 'other-server';
    listener.reload();
    const second = await open(port);
    const subject = ({ socket }: typeof first): string | undefined =>
      socket.getPeerX509Certificate()?.subject;
    assert.deepEqual([subject(first), subject(second)], ['CN=server', 'CN=other-server']);
    await first.client.send(`GET /v1/a ${HOST}\r\n`);
    await first.client.until('/v1/a');
    name = 'missing';
    assert.throws(() => listener.reload());
    const third = await open(port);
    assert.equal(subject(third), 'CN=other-server');
    for (const { socket } of [first, second, third]) socket.destroy();
  });

  test('plain HTTP, garbage and silence on the TLS port harm nobody', async (context) => {
    const { port } = await running(context, undefined, {
      tls: { load: loadServer },
      limits: { handshakeTimeoutMs: 50 },
    });
    for (const bytes of [`GET / ${HOST}\r\n`, Buffer.from('160303ffffdeadbeef', 'hex'), '']) {
      const client = await RawClient.open(port);
      if (bytes.length > 0) await client.send(bytes);
      await client.rest();
      assert.deepEqual(client.statuses(), []);
    }
    const { client, socket } = await open(port);
    await client.send(`GET /v1/alive ${HOST}\r\n`);
    await client.until('/v1/alive');
    socket.destroy();
  });

  test('the end cuts off a handshake that never finishes', async (context) => {
    const { port, listener } = await serving(context);
    const client = await RawClient.open(port);
    await client.send(Buffer.from('16', 'hex'));
    await listener.close(20);
    await client.rest();
  });
});
