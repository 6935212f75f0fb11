/** Published attacks on ACME servers: names that nobody proved, hosts that nobody may reach. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { Client, crypto } from 'acme-client';
import type { Order } from 'acme-client';
import { pemOf } from '../../crypto/pem.ts';
import { algorithmFor } from '../../crypto/x509/algorithms.ts';
import { basicConstraints, subjectAltName } from '../../crypto/x509/extensions.ts';
import type { AltNames, Extension } from '../../crypto/x509/extensions.ts';
import { encodeSubject } from '../../crypto/x509/names.ts';
import { makeRequest } from '../../crypto/x509/request.ts';
import { openGround } from './acme-fixture.ts';
import type { Ground } from './acme-fixture.ts';

const NO_NAMES: AltNames = { dnsNames: [], emails: [], ipAddresses: [], uris: [], others: [] };

async function clientOf(ground: Ground): Promise<Client> {
  const client = new Client({
    directoryUrl: `${ground.url}/acme/directory`,
    accountKey: await crypto.createPrivateEcdsaKey(),
    backoffMin: 20,
    backoffMax: 200,
    backoffAttempts: 60,
  });
  await client.createAccount({ termsOfServiceAgreed: true });
  return client;
}

async function orderFor(client: Client, host: string): Promise<Order> {
  return await client.createOrder({ identifiers: [{ type: 'dns', value: host }] });
}

/** An order whose only name has been proved. */
async function readyOrder(ground: Ground, client: Client): Promise<Order> {
  const order = await orderFor(client, 'a.test');
  for (const authorization of await client.getAuthorizations(order)) {
    const challenge = authorization.challenges.find((each) => each.type === 'http-01');
    assert.ok(challenge !== undefined);
    const answer = await client.getChallengeKeyAuthorization(challenge);
    ground.pages.set(`/.well-known/acme-challenge/${challenge.token}`, answer);
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
  }
  return await client.getOrder(order);
}

async function requestWith(commonName: string, ...extensions: Extension[]): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = await makeRequest(
    {
      subject: encodeSubject({ commonName }),
      publicKeyInfo: publicKey.export({ format: 'der', type: 'spki' }),
      extensions,
    },
    algorithmFor(privateKey),
    privateKey,
  );
  return pemOf(der, 'CERTIFICATE REQUEST');
}

function named(names: Partial<AltNames>): Extension {
  return subjectAltName({ ...NO_NAMES, dnsNames: ['a.test'], ...names }, false);
}

/** What the client is told in the end about a challenge that cannot be met. */
async function failureOf(client: Client, host: string, type: string): Promise<string> {
  const order = await orderFor(client, host);
  const [authorization] = await client.getAuthorizations(order);
  const challenge = authorization?.challenges.find((each) => each.type === type);
  assert.ok(challenge !== undefined);
  await client.completeChallenge(challenge);
  for (;;) {
    const [now] = await client.getAuthorizations(order);
    const found = now?.challenges.find((each) => each.type === type);
    assert.notEqual(found?.status, 'valid');
    if (found?.error !== undefined) return JSON.stringify(found.error);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

suite('attacks on the ACME server', () => {
  test('SEC-67: what nobody proved is in no certificate', async (context) => {
    const ground = await openGround(context);
    const client = await clientOf(ground);
    const order = await readyOrder(ground, client);
    const upn = '1.3.6.1.4.1.311.20.2.3';
    const attacks: Readonly<Record<string, string>> = {
      'another host': await requestWith('', named({ dnsNames: ['a.test', 'b.test'] })),
      'a wildcard': await requestWith('', named({ dnsNames: ['*.a.test'] })),
      'another common name': await requestWith('b.test', named({})),
      'a common name alone': await requestWith('b.test'),
      'a URI': await requestWith('', named({ uris: ['spiffe://a.test/x'] })),
      'an email address': await requestWith('', named({ emails: ['root@a.test'] })),
      'an address': await requestWith('', named({ ipAddresses: [Buffer.from([10, 0, 0, 1])] })),
      'another kind of name': await requestWith(
        '',
        named({ others: [{ oid: upn, value: 'root@a.test' }] }),
      ),
      'no name': await requestWith(''),
      'an authority': await requestWith('', named({}), basicConstraints(true)),
    };
    for (const [what, csr] of Object.entries(attacks)) {
      await assert.rejects(client.finalizeOrder(order, csr), /CSR/, what);
    }
    // The order is still good for what was proved.
    await client.finalizeOrder(order, await requestWith('a.test', named({})));
  });

  for (const type of ['http-01', 'tls-alpn-01']) {
    test(`SEC-68: ${type} does not reach hosts that are not public`, async (context) => {
      const ground = await openGround(context);
      await ground.configure({ validation_networks: [] });
      const client = await clientOf(ground);
      assert.match(await failureOf(client, 'a.test', type), /not at a public address/);
      assert.deepEqual(ground.asked, []);
    });
  }

  test('SEC-68: a redirect leads neither to private hosts nor to other ports', async (context) => {
    const ground = await openGround(context);
    const client = await clientOf(ground);
    for (const [target, told] of [
      ['http://169.254.169.254/latest', /public address/],
      ['http://[::1]/', /public address/],
      ['http://[::ffff:10.0.0.1]/', /public address/],
      ['http://a.test:8200/v1/sys/seal', /not followed/],
      ['file:///etc/passwd', /not followed/],
    ] as const) {
      ground.redirect = target;
      assert.match(await failureOf(client, 'a.test', 'http-01'), told, target);
    }
  });
});
