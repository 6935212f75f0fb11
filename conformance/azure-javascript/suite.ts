/**
 * Drives the Azure Key Vault API with the unmodified SDK for JavaScript, told by environment variables alone whom to ask.
 * Environment: MODULES (folder it is installed in), VAULT_URL, AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID,
 * AZURE_CLIENT_SECRET, FEDERATED_TOKEN_FILE, NODE_EXTRA_CA_CERTS, HTTPS_PROXY. One line per case, then "N passed, N failed".
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { runCases } from '../cases.ts';

interface Properties {
  readonly name: string;
  readonly version: string;
  readonly enabled: boolean;
  readonly contentType?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly recoverableDays?: number;
}
interface Secret {
  readonly value: string;
  readonly properties: Properties;
  readonly recoveryId?: string;
}
interface Poller {
  pollUntilDone(): Promise<Secret>;
}
interface Client {
  setSecret(name: string, value: string, options?: object): Promise<Secret>;
  getSecret(name: string, options?: object): Promise<Secret>;
  updateSecretProperties(name: string, version: string, options: object): Promise<Secret>;
  listPropertiesOfSecrets(): AsyncIterable<Properties> & {
    byPage(options: object): AsyncIterable<readonly Properties[]>;
  };
  listPropertiesOfSecretVersions(name: string): AsyncIterable<Properties>;
  listDeletedSecrets(): AsyncIterable<Properties>;
  beginDeleteSecret(name: string): Promise<Poller>;
  beginRecoverDeletedSecret(name: string): Promise<Poller>;
  getDeletedSecret(name: string): Promise<Secret>;
  purgeDeletedSecret(name: string): Promise<void>;
  backupSecret(name: string): Promise<Uint8Array>;
  restoreSecretBackup(backup: Uint8Array): Promise<Properties>;
}

const {
  MODULES = '',
  VAULT_URL = '',
  FEDERATED_TOKEN_FILE = '',
  AZURE_CLIENT_SECRET = '',
} = process.env;
const { AZURE_AUTHORITY_HOST = '' } = process.env;
const require = createRequire(`${MODULES}/`);
const { SecretClient } = require('@azure/keyvault-secrets') as {
  SecretClient: new (url: string, credential: object, options?: object) => Client;
};
interface Key {
  readonly id: string;
  readonly name: string;
  readonly key: { readonly kty: string };
}
interface Crypto {
  encrypt(parameters: object): Promise<{ readonly result: Uint8Array }>;
  decrypt(parameters: object): Promise<{ readonly result: Uint8Array }>;
  sign(algorithm: string, digest: Uint8Array): Promise<{ readonly result: Uint8Array }>;
  verify(
    algorithm: string,
    digest: Uint8Array,
    signature: Uint8Array,
  ): Promise<{ readonly result: boolean }>;
}
interface Keys {
  createKey(name: string, type: string): Promise<Key>;
  getKey(name: string): Promise<Key>;
  rotateKey(name: string): Promise<Key>;
  beginDeleteKey(name: string): Promise<{ pollUntilDone(): Promise<Key> }>;
  purgeDeletedKey(name: string): Promise<void>;
}
const { KeyClient, CryptographyClient } = require('@azure/keyvault-keys') as {
  KeyClient: new (url: string, credential: object) => Keys;
  CryptographyClient: new (key: Key, credential: object) => Crypto;
};
const identity = require('@azure/identity') as Record<string, new (options?: object) => object>;

function credential(kind: string, options?: object): object {
  const Credential = identity[kind];
  assert.ok(Credential, `no ${kind}`);
  return new Credential(options);
}

function client(kind = 'DefaultAzureCredential', options?: object): Client {
  return new SecretClient(VAULT_URL, credential(kind, options), {
    retryOptions: { maxRetries: 0 },
  });
}

const secrets = client();

async function refused(status: number, code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: { statusCode?: number; code?: string }) => {
    assert.deepEqual([error.statusCode, error.code], [status, code]);
    return true;
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

await runCases('azure-javascript', {
  async 'the default credential, by environment alone'() {
    await secrets.setSecret('js-default', 'v');
    assert.equal((await secrets.getSecret('js-default')).value, 'v');
  },
  async 'managed identity'() {
    process.env['IDENTITY_ENDPOINT'] = `${AZURE_AUTHORITY_HOST}/msi/token`;
    process.env['IDENTITY_HEADER'] = AZURE_CLIENT_SECRET;
    try {
      assert.equal((await client('ManagedIdentityCredential').getSecret('js-default')).value, 'v');
    } finally {
      delete process.env['IDENTITY_ENDPOINT'];
      delete process.env['IDENTITY_HEADER'];
    }
  },
  async 'workload identity'() {
    const options = { clientId: 'app', tenantId: 'adfs', tokenFilePath: FEDERATED_TOKEN_FILE };
    const federated = client('WorkloadIdentityCredential', options);
    assert.equal((await federated.getSecret('js-default')).value, 'v');
  },
  async 'set, get, attributes'() {
    const expiresOn = new Date('2035-01-01T00:00:00Z');
    const made = await secrets.setSecret('js-attributes', 'päß ✓ 🔑', {
      contentType: 'text/plain',
      tags: { a: 'b' },
      expiresOn,
    });
    const found = await secrets.getSecret('js-attributes', { version: made.properties.version });
    assert.equal(found.value, 'päß ✓ 🔑');
    assert.equal(found.properties.contentType, 'text/plain');
    assert.deepEqual(found.properties.tags, { a: 'b' });
    assert.equal(found.properties.recoverableDays, 90);
  },
  async 'a disabled version'() {
    const { properties } = await secrets.setSecret('js-disabled', 'v');
    await secrets.updateSecretProperties('js-disabled', properties.version, { enabled: false });
    await refused(403, 'Forbidden', secrets.getSecret('js-disabled'));
    await secrets.updateSecretProperties('js-disabled', properties.version, { enabled: true });
    assert.equal((await secrets.getSecret('js-disabled')).value, 'v');
  },
  async 'what is not there'() {
    await refused(404, 'SecretNotFound', secrets.getSecret('js-nothing'));
  },
  async 'pages and versions'() {
    const names = Array.from(
      { length: 30 },
      (_none, index) => `js-paged-${String(index).padStart(2, '0')}`,
    );
    for (const name of names) await secrets.setSecret(name, 'v');
    const pages = await all(secrets.listPropertiesOfSecrets().byPage({ maxPageSize: 7 }));
    const found = pages.flat().map((one) => one.name);
    assert.deepEqual(
      found.filter((name) => name.startsWith('js-paged-')),
      names,
    );
    for (const value of ['1', '2', '3']) await secrets.setSecret('js-versioned', value);
    assert.equal((await all(secrets.listPropertiesOfSecretVersions('js-versioned'))).length, 3);
  },
  async 'delete, recover, purge, with their pollers'() {
    await secrets.setSecret('js-deleted', 'v');
    const deleted = await (await secrets.beginDeleteSecret('js-deleted')).pollUntilDone();
    assert.ok(deleted.recoveryId?.endsWith('/deletedsecrets/js-deleted'));
    await refused(404, 'SecretNotFound', secrets.getSecret('js-deleted'));
    await refused(409, 'Conflict', secrets.setSecret('js-deleted', 'x'));
    const bin = await all(secrets.listDeletedSecrets());
    assert.ok(bin.some((one) => one.name === 'js-deleted'));
    await (await secrets.beginRecoverDeletedSecret('js-deleted')).pollUntilDone();
    assert.equal((await secrets.getSecret('js-deleted')).value, 'v');
    await (await secrets.beginDeleteSecret('js-deleted')).pollUntilDone();
    await secrets.purgeDeletedSecret('js-deleted');
    await refused(404, 'SecretNotFound', secrets.getDeletedSecret('js-deleted'));
  },
  async 'backup and restore'() {
    await secrets.setSecret('js-saved', 'one');
    const backup = await secrets.backupSecret('js-saved');
    await (await secrets.beginDeleteSecret('js-saved')).pollUntilDone();
    await secrets.purgeDeletedSecret('js-saved');
    assert.equal((await secrets.restoreSecretBackup(backup)).name, 'js-saved');
    assert.equal((await secrets.getSecret('js-saved')).value, 'one');
  },
  async 'keys encrypt and sign'() {
    const keys = new KeyClient(VAULT_URL, credential('DefaultAzureCredential'));
    const rsa = await keys.createKey('js-rsa', 'RSA');
    const of = new CryptographyClient(rsa, credential('DefaultAzureCredential'));
    const plaintext = Buffer.from('päß ✓');
    const sealed = await of.encrypt({ algorithm: 'RSA-OAEP-256', plaintext });
    const opened = await of.decrypt({ algorithm: 'RSA-OAEP-256', ciphertext: sealed.result });
    assert.deepEqual(Buffer.from(opened.result), plaintext);
    const ec = await keys.createKey('js-ec', 'EC');
    const signer = new CryptographyClient(ec, credential('DefaultAzureCredential'));
    const digest = createHash('sha256').update('message').digest();
    const { result: signature } = await signer.sign('ES256', digest);
    assert.ok((await signer.verify('ES256', digest, signature)).result);
    assert.notEqual((await keys.rotateKey('js-ec')).id, ec.id);
    await (await keys.beginDeleteKey('js-ec')).pollUntilDone();
    await keys.purgeDeletedKey('js-ec');
    await refused(404, 'KeyNotFound', keys.getKey('js-ec'));
  },
  async '64 KiB'() {
    const value = randomBytes(48 * 1024).toString('base64');
    assert.equal(value.length, 64 * 1024);
    await secrets.setSecret('js-large', value);
    assert.equal((await secrets.getSecret('js-large')).value, value);
    await refused(400, 'BadParameter', secrets.setSecret('js-large', `${value}x`));
  },
});
