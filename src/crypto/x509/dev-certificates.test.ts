/** The certificates of `-dev-tls` are ones that a TLS client takes. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import { makeDevCertificates } from './dev-certificates.ts';

test('a client that trusts the authority takes the certificate, for each name', async (context) => {
  const pem = await makeDevCertificates(['vault.example', '192.0.2.1'], {
    clock: systemClock,
    random: systemRandom,
  });
  const certificate = new X509Certificate(pem.certificate);
  assert.equal(certificate.checkHost('vault.example'), 'vault.example');
  assert.equal(certificate.checkIP('192.0.2.1'), '192.0.2.1');
  assert.ok(certificate.verify(new X509Certificate(pem.authority).publicKey));
  const server = createServer({ cert: pem.certificate, key: pem.key }, (socket) => socket.end('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const authorized = await new Promise<boolean>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: pem.authority }, () => {
      resolve(socket.authorized);
      socket.destroy();
    });
    socket.on('error', reject);
  });
  assert.equal(authorized, true);
});
