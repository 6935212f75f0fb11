/** A client of ACME from elsewhere, used as its manual says: every challenge, bound accounts, revocation. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { suite, test } from 'node:test';
import { Client, crypto } from 'acme-client';
import type { ClientOptions } from 'acme-client';
import { openGround } from './acme-fixture.ts';
import type { Ground } from './acme-fixture.ts';

async function clientOf(
  ground: Ground,
  directory = '',
  more: Partial<ClientOptions> = {},
): Promise<Client> {
  return new Client({
    directoryUrl: `${ground.url}/${directory}acme/directory`,
    accountKey: await crypto.createPrivateEcdsaKey(),
    backoffMin: 20,
    backoffMax: 200,
    backoffAttempts: 40,
    ...more,
  });
}

interface Got {
  readonly leaf: X509Certificate;
  readonly chain: string;
}

/** A certificate for the names by one type of challenge; the first name is also the common name. */
async function certificate(
  ground: Ground,
  client: Client,
  type: string,
  ...names: readonly string[]
): Promise<Got> {
  const [, csr] = await crypto.createCsr({ altNames: [...names] });
  const chain = await client.auto({
    csr,
    email: 'admin@example.com',
    termsOfServiceAgreed: true,
    challengePriority: [type],
    skipChallengeVerification: true,
    async challengeCreateFn(authorization, challenge, keyAuthorization) {
      const host = authorization.identifier.value;
      if (challenge.type === 'http-01') {
        ground.pages.set(`/.well-known/acme-challenge/${challenge.token}`, keyAuthorization);
      } else if (challenge.type === 'dns-01') {
        ground.zone.set(`_acme-challenge.${host}`, keyAuthorization);
      } else {
        const [key, cert] = await crypto.createAlpnCertificate(authorization, keyAuthorization);
        ground.proofs.set(host, { key, cert });
      }
    },
    challengeRemoveFn: () => Promise.resolve(),
  });
  return { leaf: new X509Certificate(chain), chain };
}

suite('acme-client', () => {
  for (const type of ['http-01', 'dns-01', 'tls-alpn-01']) {
    test(`gets a certificate by ${type}`, async (context) => {
      const ground = await openGround(context);
      const client = await clientOf(ground);
      const { leaf, chain } = await certificate(ground, client, type, 'a.test', 'b.test');
      assert.equal(leaf.subjectAltName, 'DNS:a.test, DNS:b.test');
      const [, issuer = ''] = crypto.splitPemChain(chain);
      assert.ok(leaf.verify(new X509Certificate(issuer).publicKey));
    });
  }

  test('gets a certificate for a wildcard by DNS alone', async (context) => {
    const ground = await openGround(context);
    const client = await clientOf(ground);
    const { leaf } = await certificate(ground, client, 'dns-01', '*.a.test');
    assert.equal(leaf.subjectAltName, 'DNS:*.a.test');
    const order = await client.createOrder({ identifiers: [{ type: 'dns', value: '*.c.test' }] });
    const [authorization] = await client.getAuthorizations(order);
    assert.deepEqual(
      authorization?.challenges.map((each) => each.type),
      ['dns-01'],
    );
  });

  test('is held to the role of its directory', async (context) => {
    const ground = await openGround(context);
    await ground.server.get('write', 'pki/roles/web', {
      data: {
        allowed_domains: ['a.test'],
        allow_subdomains: true,
        organization: ['Web'],
        key_type: 'any',
        ttl: '2h',
      },
    });
    const client = await clientOf(ground, 'roles/web/');
    const { leaf } = await certificate(ground, client, 'http-01', 'x.a.test');
    const hours = (Date.parse(leaf.validTo) - Date.now()) / 3_600_000;
    assert.ok(hours > 1.9 && hours <= 2.01, leaf.validTo);
    await assert.rejects(
      client.createOrder({ identifiers: [{ type: 'dns', value: 'x.b.test' }] }),
      /rejectedIdentifier|role/i,
    );
  });

  test('revokes its certificate, changes its key, gives up its account', async (context) => {
    const ground = await openGround(context);
    const client = await clientOf(ground);
    const { leaf, chain } = await certificate(ground, client, 'http-01', 'a.test');
    await client.revokeCertificate(crypto.splitPemChain(chain)[0] ?? '');
    const serial = (leaf.serialNumber.match(/../g) ?? []).join(':').toLowerCase();
    const { revocation_time: revoked } = await ground.server.get('read', `pki/cert/${serial}`);
    assert.ok(Number(revoked) > 0);
    await client.updateAccountKey(await crypto.createPrivateEcdsaKey());
    await certificate(ground, client, 'http-01', 'b.test');
    await client.updateAccount({ status: 'deactivated' });
    await assert.rejects(client.createOrder({ identifiers: [{ type: 'dns', value: 'c.test' }] }));
  });

  test('is let in with a bound account where that is demanded', async (context) => {
    const ground = await openGround(context);
    await ground.configure({ eab_policy: 'always-required' });
    const stranger = await clientOf(ground);
    await assert.rejects(
      stranger.createAccount({ termsOfServiceAgreed: true }),
      /externalAccountBinding/,
    );
    const eab = await ground.server.get('write', 'pki/acme/new-eab');
    const externalAccountBinding = { kid: String(eab['id']), hmacKey: String(eab['key']) };
    const client = await clientOf(ground, '', { externalAccountBinding });
    await certificate(ground, client, 'http-01', 'a.test');
    const other = await clientOf(ground, '', { externalAccountBinding });
    await assert.rejects(other.createAccount({ termsOfServiceAgreed: true }));
  });

  test('learns why a challenge failed', async (context) => {
    const ground = await openGround(context);
    const client = await clientOf(ground);
    await client.createAccount({ termsOfServiceAgreed: true });
    const order = await client.createOrder({ identifiers: [{ type: 'dns', value: 'a.test' }] });
    const [authorization] = await client.getAuthorizations(order);
    const [challenge] = authorization?.challenges ?? [];
    assert.ok(challenge !== undefined && authorization !== undefined);
    await client.completeChallenge(challenge);
    for (;;) {
      const [now] = await client.getAuthorizations(order);
      const error = now?.challenges.find((each) => each.type === challenge.type)?.error;
      if (error !== undefined) {
        assert.match(JSON.stringify(error), /incorrectResponse/);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});
