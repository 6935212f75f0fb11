/** Drives Azure's certificates with the unmodified SDK for JavaScript. Environment and output as in suite.ts. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { createSecureContext } from 'node:tls';
import { runCases } from '../cases.ts';

interface Certificate {
  readonly name: string;
  readonly cer: Uint8Array;
  readonly properties: {
    readonly name: string;
    readonly version: string;
    readonly enabled: boolean;
    readonly tags?: Readonly<Record<string, string>>;
    readonly x509Thumbprint: Uint8Array;
  };
  readonly policy?: { readonly subject: string; readonly issuerName: string };
  readonly recoveryId?: string;
}
interface Operation {
  readonly status: string;
  readonly csr?: Uint8Array;
}
interface Poller {
  pollUntilDone(): Promise<Certificate>;
  getOperationState(): { readonly certificateOperation?: Operation };
}
interface Client {
  beginCreateCertificate(name: string, policy: object, options?: object): Promise<Poller>;
  getCertificateOperation(name: string): Promise<Poller>;
  getCertificate(name: string): Promise<Certificate>;
  getCertificateVersion(name: string, version: string): Promise<Certificate>;
  getCertificatePolicy(name: string): Promise<{ readonly validityInMonths: number }>;
  updateCertificatePolicy(
    name: string,
    policy: object,
  ): Promise<{ readonly validityInMonths: number }>;
  updateCertificateProperties(name: string, version: string, options: object): Promise<Certificate>;
  listPropertiesOfCertificates(): AsyncIterable<{ readonly name: string }>;
  listPropertiesOfCertificateVersions(name: string): AsyncIterable<{ readonly version: string }>;
  listDeletedCertificates(): AsyncIterable<{ readonly name: string }>;
  beginDeleteCertificate(name: string): Promise<Poller>;
  beginRecoverDeletedCertificate(name: string): Promise<Poller>;
  purgeDeletedCertificate(name: string): Promise<void>;
  backupCertificate(name: string): Promise<Uint8Array>;
  restoreCertificateBackup(backup: Uint8Array): Promise<Certificate>;
  importCertificate(name: string, value: Uint8Array, options?: object): Promise<Certificate>;
  createIssuer(
    name: string,
    provider: string,
    options?: object,
  ): Promise<{ readonly name: string }>;
  getIssuer(name: string): Promise<{ readonly accountId?: string }>;
  deleteIssuer(name: string): Promise<unknown>;
  setContacts(contacts: readonly object[]): Promise<readonly { readonly email: string }[]>;
  deleteContacts(): Promise<unknown>;
}

const { MODULES = '', VAULT_URL = '' } = process.env;
const require = createRequire(`${MODULES}/`);
const { CertificateClient } = require('@azure/keyvault-certificates') as {
  CertificateClient: new (url: string, credential: object) => Client;
};
const { SecretClient } = require('@azure/keyvault-secrets') as {
  SecretClient: new (
    url: string,
    credential: object,
  ) => { getSecret(name: string): Promise<{ readonly value: string }> };
};
const { DefaultAzureCredential } = require('@azure/identity') as {
  DefaultAzureCredential: new () => object;
};

const certificates = new CertificateClient(VAULT_URL, new DefaultAzureCredential());
const secrets = new SecretClient(VAULT_URL, new DefaultAzureCredential());
const SELF = { issuerName: 'Self', subject: 'CN=javascript' };

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

async function made(name: string, policy: object, options?: object): Promise<Certificate> {
  const poller = await certificates.beginCreateCertificate(name, policy, options);
  return await poller.pollUntilDone();
}

await runCases('azure-certificates-javascript', {
  async 'self-signed, with its secret'() {
    const certificate = await made('js-self', SELF, { tags: { a: 'b' } });
    assert.deepEqual(certificate.properties.tags, { a: 'b' });
    assert.deepEqual(
      [certificate.policy?.subject, certificate.policy?.issuerName],
      ['CN=javascript', 'Self'],
    );
    const parsed = new X509Certificate(Buffer.from(certificate.cer));
    assert.equal(
      Buffer.from(certificate.properties.x509Thumbprint).toString('hex'),
      parsed.fingerprint.replaceAll(':', '').toLowerCase(),
    );
    const { value } = await secrets.getSecret('js-self');
    createSecureContext({ pfx: Buffer.from(value, 'base64') });
  },
  async 'versions, properties, policy'() {
    const first = await made('js-versions', SELF);
    const second = await made('js-versions', SELF);
    const listed = await all(certificates.listPropertiesOfCertificateVersions('js-versions'));
    assert.deepEqual(
      listed.map(({ version }) => version).sort(),
      [first, second].map(({ properties }) => properties.version).sort(),
    );
    const { version } = first.properties;
    const old = await certificates.getCertificateVersion('js-versions', version);
    assert.deepEqual(old.cer, first.cer);
    const changed = await certificates.updateCertificateProperties('js-versions', version, {
      enabled: false,
      tags: { c: 'd' },
    });
    assert.deepEqual([changed.properties.enabled, changed.properties.tags], [false, { c: 'd' }]);
    await certificates.updateCertificatePolicy('js-versions', { ...SELF, validityInMonths: 3 });
    const policy = await certificates.getCertificatePolicy('js-versions');
    assert.equal(policy.validityInMonths, 3);
    await refused(404, 'CertificateNotFound', certificates.getCertificate('js-nothing'));
  },
  async 'by an issuer'() {
    await certificates.createIssuer('js-site', 'Test', { accountId: 'me' });
    assert.equal((await certificates.getIssuer('js-site')).accountId, 'me');
    const policy = {
      issuerName: 'js-site',
      subject: 'CN=js.example.com',
      subjectAlternativeNames: { dnsNames: ['js.example.com'] },
      validityInMonths: 1,
    };
    const certificate = await made('js-issued', policy);
    assert.equal(new X509Certificate(Buffer.from(certificate.cer)).issuer, 'CN=Root');
    await certificates.deleteIssuer('js-site');
    await refused(404, 'CertificateIssuerNotFound', certificates.getIssuer('js-site'));
  },
  async 'a request for an authority elsewhere'() {
    const policy = { issuerName: 'Unknown', subject: 'CN=unknown' };
    await certificates.beginCreateCertificate('js-unknown', policy);
    const poller = await certificates.getCertificateOperation('js-unknown');
    const { certificateOperation: operation } = poller.getOperationState();
    assert.equal(operation?.status, 'inProgress');
    assert.ok(operation.csr !== undefined);
    await refused(409, 'Conflict', certificates.beginCreateCertificate('js-unknown', SELF));
  },
  async 'imported from PFX'() {
    const source = await made('js-source', SELF);
    const { value } = await secrets.getSecret('js-source');
    const copy = await certificates.importCertificate('js-import', Buffer.from(value, 'base64'));
    assert.deepEqual(copy.cer, source.cer);
  },
  async 'delete, recover, purge, backup, restore'() {
    const before = await made('js-gone', SELF);
    const backup = await certificates.backupCertificate('js-gone');
    const deleted = await (await certificates.beginDeleteCertificate('js-gone')).pollUntilDone();
    assert.ok(deleted.recoveryId?.endsWith('/deletedcertificates/js-gone'));
    assert.ok(
      (await all(certificates.listDeletedCertificates())).some(({ name }) => name === 'js-gone'),
    );
    await (await certificates.beginRecoverDeletedCertificate('js-gone')).pollUntilDone();
    assert.deepEqual((await certificates.getCertificate('js-gone')).cer, before.cer);
    await (await certificates.beginDeleteCertificate('js-gone')).pollUntilDone();
    await certificates.purgeDeletedCertificate('js-gone');
    const restored = await certificates.restoreCertificateBackup(backup);
    assert.deepEqual(restored.cer, before.cer);
    const names = await all(certificates.listPropertiesOfCertificates());
    assert.ok(names.some(({ name }) => name === 'js-gone'));
  },
  async contacts() {
    const set = await certificates.setContacts([{ email: 'a@example.com', name: 'A' }]);
    assert.deepEqual(
      set.map(({ email }) => email),
      ['a@example.com'],
    );
    await certificates.deleteContacts();
  },
});
