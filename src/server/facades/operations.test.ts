/**
 * Every operation that the three clouds' APIs have, by the names in their public service descriptions: it is served, or answers its own
 * API's "not supported" and stands in docs/compatibility.md.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { opened } from './aws-fixture.ts';
import { API, codeOf, world as azureWorld } from './azure-fixture.ts';
import { wireRequest } from './facade-fixture.ts';
import { world as googleWorld } from './google-fixture.ts';

const COMPATIBILITY = new URL('../../../docs/compatibility.md', import.meta.url);

async function documented(): Promise<string> {
  return await readFile(COMPATIBILITY, 'utf8');
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const SECRETS_MANAGER = words(`
  AssociateCrossAccountReplica BatchGetSecretValue CancelRotateSecret CreateSecret DeleteResourcePolicy DeleteSecret DescribeSecret
  DisassociateCrossAccountReplica GetRandomPassword GetResourcePolicy GetSecretValue ListResourcePolicies ListSecretVersionIds ListSecrets
  PutResourcePolicy PutSecretValue RemoveRegionsFromReplication ReplicateSecretToRegions RestoreSecret RotateSecret StopReplicationToReplica
  TagResource UntagResource UpdateSecret UpdateSecretVersionStage ValidateResourcePolicy`);

const STS = words(`
  AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot DecodeAuthorizationMessage GetAccessKeyInfo GetCallerIdentity
  GetDelegatedAccessToken GetFederationToken GetSessionToken GetWebIdentityToken`);

const KMS = words(`
  CancelKeyDeletion ConnectCustomKeyStore CreateAlias CreateCustomKeyStore CreateGrant CreateKey Decrypt DeleteAlias DeleteCustomKeyStore
  DeleteImportedKeyMaterial DeriveSharedSecret DescribeCustomKeyStores DescribeKey DisableKey DisableKeyRotation DisconnectCustomKeyStore
  EnableKey EnableKeyRotation Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
  GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom GetKeyPolicy GetKeyRotationStatus GetParametersForImport GetPublicKey
  ImportKeyMaterial ListAliases ListGrants ListKeyPolicies ListKeyRotations ListKeys ListResourceTags ListRetirableGrants PutKeyPolicy
  ReEncrypt ReplicateKey RetireGrant RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion Sign TagResource UntagResource UpdateAlias
  UpdateCustomKeyStore UpdateKeyDescription UpdatePrimaryRegion Verify VerifyMac`);

const typeOf = (json: Readonly<Record<string, unknown>>): string =>
  typeof json['__type'] === 'string' ? json['__type'] : '';

test('AWS Secrets Manager: all 26 operations are known; replicas of others are refused', async (context) => {
  const { ask, reply } = await opened(context);
  const text = await documented();
  assert.equal(SECRETS_MANAGER.length, 26);
  await ask('CreateSecret', { Name: 's', SecretString: 'v', ClientRequestToken: 'a'.repeat(32) });
  for (const name of SECRETS_MANAGER) {
    const { json } = await reply(name, name === 'CreateSecret' ? {} : { SecretId: 's' });
    assert.notEqual(typeOf(json), 'UnknownOperationException', name);
  }
  for (const name of ['AssociateCrossAccountReplica', 'DisassociateCrossAccountReplica']) {
    assert.equal(typeOf((await reply(name, {})).json), 'InvalidRequestException', name);
  }
  assert.match(text, /replicas of other accounts; StopReplicationToReplica/);
  const stopped = await reply('StopReplicationToReplica', { SecretId: 's' });
  assert.equal(typeOf(stopped.json), 'InvalidRequestException');
  assert.equal(typeOf((await reply('CreateSecrets')).json), 'UnknownOperationException');
});

test('AWS STS and KMS: what the documentation says is served, and nothing else', async (context) => {
  const { sts, kms } = await opened(context);
  const text = await documented();
  const [, stsRow = ''] = /STS beyond ([^|]+)\|/.exec(text) ?? [];
  const stsServed = STS.filter((name) => stsRow.includes(name));
  assert.equal(stsServed.length, 4);
  for (const name of STS) {
    const { body } = await sts(name);
    const served = stsServed.some((each) => each === name);
    assert.equal(body.includes('<Code>InvalidAction</Code>'), !served, name);
  }
  const [, kmsRow = ''] = /KMS beyond ([^|]+)\|/.exec(text) ?? [];
  const kmsServed = new Set(
    kmsRow.split(',').flatMap((part) => {
      const name = part.trim().replace('…', '');
      return part.includes('…') ? [name, `${name}WithoutPlaintext`] : [name];
    }),
  );
  const managing = new Set(
    words('CreateKey CreateAlias UpdateAlias DeleteAlias ScheduleKeyDeletion'),
  );
  assert.match(text, /KMS: making and managing keys and aliases/);
  for (const name of KMS) {
    const type = typeOf((await kms(name)).json);
    const unknown = type === 'UnknownOperationException';
    if (managing.has(name)) assert.equal(type, 'UnsupportedOperationException', name);
    else assert.equal(unknown, !kmsServed.has(name), `${name}: ${type}`);
  }
});

/** Method and path of each of the 64 operations; `n` a name, `v` a version. */
const AZURE = `
  PUT /secrets/n | DELETE /secrets/n | PATCH /secrets/n/v | GET /secrets/n/v | GET /secrets | GET /secrets/n/versions
  GET /deletedsecrets | GET /deletedsecrets/n | DELETE /deletedsecrets/n | POST /deletedsecrets/n/recover | POST /secrets/n/backup
  POST /secrets/restore
  POST /keys/n/create | POST /keys/n/rotate | PUT /keys/n | DELETE /keys/n | PATCH /keys/n/v | GET /keys/n/v | GET /keys/n/versions | GET /keys
  POST /keys/n/backup | POST /keys/restore | POST /keys/n/v/encrypt | POST /keys/n/v/decrypt | POST /keys/n/v/sign | POST /keys/n/v/verify
  POST /keys/n/v/wrapkey | POST /keys/n/v/unwrapkey | POST /keys/n/v/release | GET /deletedkeys | GET /deletedkeys/n | DELETE /deletedkeys/n
  POST /deletedkeys/n/recover | GET /keys/n/rotationpolicy | PUT /keys/n/rotationpolicy | POST /rng | GET /keys/n/v/attestation
  GET /certificates | DELETE /certificates/n | PUT /certificates/contacts | GET /certificates/contacts | DELETE /certificates/contacts
  GET /certificates/issuers | PUT /certificates/issuers/n | PATCH /certificates/issuers/n | GET /certificates/issuers/n
  DELETE /certificates/issuers/n | POST /certificates/n/create | POST /certificates/n/import | GET /certificates/n/versions
  GET /certificates/n/policy | PATCH /certificates/n/policy | PATCH /certificates/n/v | GET /certificates/n/v | PATCH /certificates/n/pending
  GET /certificates/n/pending | DELETE /certificates/n/pending | POST /certificates/n/pending/merge | POST /certificates/n/backup
  POST /certificates/restore | GET /deletedcertificates | GET /deletedcertificates/n | DELETE /deletedcertificates/n
  POST /deletedcertificates/n/recover`
  .split(/[|\n]/)
  .map((line) => line.trim())
  .filter((line) => line !== '');

test('Azure Key Vault: all 64 operations are served but release and attestation', async () => {
  const { send, server } = await azureWorld(
    {},
    { keys_mount: 'transit/', certificates_mount: 'pki/' },
  );
  for (const type of ['transit', 'pki']) {
    await server.get('write', `sys/mounts/${type}`, { data: { type } });
  }
  const text = await documented();
  assert.equal(AZURE.length, 64);
  const version = '0'.repeat(32);
  for (const line of AZURE) {
    const [method = '', path = ''] = line.split(' ');
    const asked = path
      .split('/')
      .map((word) => (word === 'n' ? 'name' : word === 'v' ? version : word))
      .join('/');
    const reply = await send(method, `${asked}?${API}`, method === 'GET' ? undefined : {});
    const unsupported = /release|attestation/.test(path);
    assert.equal(reply.status === 501, unsupported, line);
    if (unsupported) assert.deepEqual(codeOf(reply), [501, 'NotImplemented']);
    assert.ok(![405, 500, 502].includes(reply.status), `${line}: ${reply.status}`);
    // Whoever is told that there is nothing, is told so in the words of this API.
    if (reply.status === 404) assert.match(String(codeOf(reply)[1]), /NotFound$/, line);
  }
  assert.match(text, /Azure: key release and attestation\s*\| 501 `NotImplemented`/);
  assert.deepEqual(codeOf(await send('PUT', `/keys?${API}`, {})), [405, 'MethodNotAllowed']);
  await server.instance.close();
});

const GOOGLE = words(`
  CreateSecret ListSecrets GetSecret UpdateSecret DeleteSecret AddSecretVersion ListSecretVersions GetSecretVersion AccessSecretVersion
  DisableSecretVersion EnableSecretVersion DestroySecretVersion SetIamPolicy GetIamPolicy TestIamPermissions EnableManagedRotation
  RotateSecret`);

test('Google Secret Manager: all 17 methods are served but managed rotation, and locations', async () => {
  const { facade, server } = await googleWorld();
  const text = await documented();
  assert.equal(GOOGLE.length, 17);
  const status = async (service: string, method: string): Promise<number> => {
    const reply = await facade.handle(
      wireRequest(`/${service}/${method}`, {
        method: 'POST',
        headers: {
          host: 'sm.example.com',
          'content-type': 'application/grpc',
          authorization: 'Bearer root',
        },
        // A frame with an empty message.
        body: Buffer.alloc(5),
      }),
    );
    return Number(reply.headers['grpc-status'] ?? reply.trailers?.['grpc-status']);
  };
  const unsupported = new Set(['EnableManagedRotation', 'RotateSecret']);
  const UNIMPLEMENTED = 12;
  for (const method of GOOGLE) {
    const code = await status('google.cloud.secretmanager.v1.SecretManagerService', method);
    assert.equal(code === UNIMPLEMENTED, unsupported.has(method), method);
  }
  for (const method of ['ListLocations', 'GetLocation']) {
    assert.notEqual(await status('google.cloud.location.Locations', method), UNIMPLEMENTED, method);
  }
  for (const method of ['SetIamPolicy', 'GetIamPolicy', 'TestIamPermissions']) {
    assert.notEqual(await status('google.iam.v1.IAMPolicy', method), UNIMPLEMENTED, method);
  }
  assert.match(text, /Google: `RotateSecret`, `EnableManagedRotation`\s*\| `UNIMPLEMENTED`/);
  await server.instance.close();
});
