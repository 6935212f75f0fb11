/**
 * The calls that Terraform's providers aws and azurerm make for their resources of secrets, keys and certificates, one after the other as they make
 * them: the providers themselves take an hour to build, and azurerm asks Azure's management for the address of a vault. Environment: MODULES, AWS_*,
 * VAULT_URL, AZURE_*. One line per case, then "N passed, N failed".
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { runCases } from '../cases.ts';
import { VaultCalls } from './vault-calls.ts';

type Output = Readonly<Record<string, unknown>>;

const { MODULES = '' } = process.env;
const PACKAGE = '@aws-sdk/client-secrets-manager';
const sdk = createRequire(`${MODULES}/`)(PACKAGE) as Readonly<
  Record<string, new (input?: object) => { send(command: object): Promise<Output> }>
>;
const client = new (sdk['SecretsManagerClient'] as (typeof sdk)[string])();

async function sm(command: string, input: object): Promise<Output> {
  return await client.send(new (sdk[`${command}Command`] as (typeof sdk)[string])(input));
}

let made = 0;
/** Of the form that the provider gives to what it makes: 36 characters. */
function uniqueId(): string {
  made += 1;
  return `terraform-${new Date().toISOString().replaceAll(/\D/g, '')}${String(made).padStart(9, '0')}`;
}

/** The provider decides by the class and words of errors what became of a thing. */
async function refused(run: Promise<unknown>, name: string, words = ''): Promise<void> {
  await assert.rejects(run, (error: Error) => {
    assert.equal(error.name, name);
    assert.ok(error.message.includes(words), error.message);
    return true;
  });
}

/** A read of `aws_secretsmanager_secret`. */
async function readSecret(SecretId: unknown): Promise<Output> {
  const described = await sm('DescribeSecret', { SecretId });
  const { ResourcePolicy } = await sm('GetResourcePolicy', { SecretId });
  return { ...described, ResourcePolicy };
}

async function createSecret(Name: string, more: object = {}): Promise<unknown> {
  const { ARN } = await sm('CreateSecret', {
    ClientRequestToken: uniqueId(),
    Description: '',
    ForceOverwriteReplicaSecret: false,
    Name,
    ...more,
  });
  const read = await readSecret(ARN);
  assert.deepEqual(
    [read['Name'], read['DeletedDate'], read['ResourcePolicy']],
    [Name, undefined, undefined],
  );
  return ARN;
}

async function deleteSecret(SecretId: unknown): Promise<void> {
  await sm('DeleteSecret', { SecretId, ForceDeleteWithoutRecovery: true });
  await refused(sm('DescribeSecret', { SecretId }), 'ResourceNotFoundException');
}

const azure = new VaultCalls();

await runCases('terraform-calls', {
  'aws_secretsmanager_secret: made without a value, read, changed, tagged': async () => {
    const arn = await createSecret('tf/plain', { Tags: [{ Key: 'team', Value: 'one' }] });
    assert.deepEqual((await readSecret(arn))['Tags'], [{ Key: 'team', Value: 'one' }]);
    await sm('UpdateSecret', {
      ClientRequestToken: uniqueId(),
      Description: 'changed',
      SecretId: arn,
    });
    await sm('UntagResource', { SecretId: arn, TagKeys: ['team'] });
    await sm('TagResource', { SecretId: arn, Tags: [{ Key: 'stage', Value: 'two' }] });
    const read = await readSecret(arn);
    assert.equal(read['Description'], 'changed');
    assert.deepEqual(read['Tags'], [{ Key: 'stage', Value: 'two' }]);
    await deleteSecret(arn);
  },
  'aws_secretsmanager_secret: its policy': async () => {
    const arn = await createSecret('tf/policy');
    const policy = {
      Statement: [
        {
          Action: 'secretsmanager:GetSecretValue',
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::111122223333:root' },
          Resource: '*',
          Sid: 'EnableAllPermissions',
        },
      ],
      Version: '2012-10-17',
    };
    const ResourcePolicy = JSON.stringify(policy);
    await sm('PutResourcePolicy', { ResourcePolicy, SecretId: arn });
    const read = String((await readSecret(arn))['ResourcePolicy']);
    assert.deepEqual(JSON.parse(read), policy);
    await sm('DeleteResourcePolicy', { SecretId: arn });
    assert.equal((await readSecret(arn))['ResourcePolicy'], undefined);
    await deleteSecret(arn);
  },
  'aws_secretsmanager_secret: destroyed with time to recover, made again': async () => {
    const arn = await createSecret('tf/window');
    await sm('DeleteSecret', { SecretId: arn, RecoveryWindowInDays: 7 });
    // Destroyed is what has the date of its deletion.
    assert.ok((await sm('DescribeSecret', { SecretId: arn }))['DeletedDate'] instanceof Date);
    const again = sm('CreateSecret', { ClientRequestToken: uniqueId(), Name: 'tf/window' });
    await refused(again, 'InvalidRequestException', 'scheduled for deletion');
    await deleteSecret(arn);
  },
  'aws_secretsmanager_secret_version: put, stages moved, destroyed': async () => {
    const secretId = await createSecret('tf/versions');
    const put = async (value: object): Promise<unknown> =>
      (
        await sm('PutSecretValue', { ClientRequestToken: uniqueId(), SecretId: secretId, ...value })
      )['VersionId'];
    const read = async (VersionId: unknown): Promise<Output> =>
      await sm('GetSecretValue', { SecretId: secretId, VersionId });
    const first = await put({ SecretString: 'one' });
    assert.deepEqual((await read(first))['VersionStages'], ['AWSCURRENT']);
    const second = await put({ SecretString: 'two', VersionStages: ['candidate'] });
    assert.deepEqual((await read(second))['VersionStages'], ['candidate']);
    // The resource wants `AWSCURRENT` as well: it looks who has it, and moves it.
    const { Versions } = (await sm('ListSecretVersionIds', { SecretId: secretId })) as {
      Versions: readonly { VersionId: string; VersionStages: readonly string[] }[];
    };
    const current = Versions.find(({ VersionStages }) => VersionStages.includes('AWSCURRENT'));
    assert.equal(current?.VersionId, first);
    await sm('UpdateSecretVersionStage', {
      MoveToVersionId: second,
      RemoveFromVersionId: first,
      SecretId: secretId,
      VersionStage: 'AWSCURRENT',
    });
    assert.deepEqual((await read(first))['VersionStages'], ['AWSPREVIOUS']);
    // Destroying leaves `AWSCURRENT`, and takes the rest away.
    await sm('UpdateSecretVersionStage', {
      RemoveFromVersionId: second,
      SecretId: secretId,
      VersionStage: 'candidate',
    });
    assert.deepEqual((await read(second))['VersionStages'], ['AWSCURRENT']);
    await put({ SecretBinary: Uint8Array.of(0, 255) });
    await sm('DeleteSecret', { SecretId: secretId, RecoveryWindowInDays: 30 });
    const words = 'because it was marked for deletion';
    await refused(read(second), 'InvalidRequestException', words);
    await deleteSecret(secretId);
    await refused(read(second), 'ResourceNotFoundException');
  },
  'data aws_secretsmanager_*: by name, versions, random password': async () => {
    const arn = await createSecret('tf/data');
    await sm('PutSecretValue', { SecretId: arn, SecretString: '{"user":"app"}' });
    assert.equal((await readSecret('tf/data'))['ARN'], arn);
    const got = await sm('GetSecretValue', { SecretId: 'tf/data', VersionStage: 'AWSCURRENT' });
    assert.equal(got['SecretString'], '{"user":"app"}');
    const all = { IncludeDeprecated: true, SecretId: arn };
    assert.equal(((await sm('ListSecretVersionIds', all))['Versions'] as []).length, 1);
    const filters = [{ Key: 'name', Values: ['tf/data'] }];
    const { SecretList } = await sm('ListSecrets', { Filters: filters });
    assert.equal((SecretList as []).length, 1);
    const random = await sm('GetRandomPassword', {
      ExcludeCharacters: 'abc',
      ExcludeLowercase: false,
      ExcludeNumbers: true,
      ExcludePunctuation: true,
      ExcludeUppercase: false,
      IncludeSpace: false,
      PasswordLength: 40,
      RequireEachIncludedType: true,
    });
    assert.match(String(random['RandomPassword']), /^[d-zA-Z]{40}$/);
    await deleteSecret(arn);
  },
  'azurerm_key_vault_secret: made, read, changed, destroyed, purged': async () => {
    const at = 'secrets/tf-secret/';
    assert.equal((await azure.call('GET', at)).status, 404);
    const set = { value: 'one', contentType: '', tags: {}, attributes: {} };
    assert.equal((await azure.call('PUT', 'secrets/tf-secret', set)).status, 200);
    const { body: first } = await azure.call('GET', at);
    assert.match(String(first['id']), /\/secrets\/tf-secret\/[0-9a-f]{32}$/);
    // All but the value is changed in place, in the latest version, which has no name in the path.
    const change = {
      contentType: 'text/plain',
      attributes: { exp: 2_000_000_000 },
      tags: { a: 'b' },
    };
    assert.equal((await azure.call('PATCH', at, change)).status, 200);
    const { body: changed } = await azure.call('GET', at);
    assert.deepEqual(
      [changed['id'], changed['value'], changed['contentType'], changed['tags']],
      [first['id'], 'one', 'text/plain', { a: 'b' }],
    );
    assert.equal((changed['attributes'] as Output)['exp'], 2_000_000_000);
    await azure.call('PUT', 'secrets/tf-secret', { ...set, value: 'two' });
    assert.notEqual((await azure.call('GET', at)).body['id'], first['id']);
    await azure.destroy('secrets', 'tf-secret');
  },
  'azurerm_key_vault_secret: brought back from the deleted ones': async () => {
    const set = { value: 'one', contentType: '', tags: {}, attributes: {} };
    await azure.call('PUT', 'secrets/tf-back', set);
    await azure.call('DELETE', 'secrets/tf-back');
    assert.equal((await azure.call('PUT', 'secrets/tf-back', set)).status, 409);
    const { status, body } = await azure.call('POST', 'deletedsecrets/tf-back/recover');
    assert.deepEqual([status, typeof body['id']], [200, 'string']);
    assert.equal((await azure.call('PUT', 'secrets/tf-back', set)).status, 200);
    await azure.destroy('secrets', 'tf-back');
  },
  'azurerm_key_vault_key: made with a rotation policy, changed, destroyed': async () => {
    const at = 'keys/tf-key/';
    assert.equal((await azure.call('GET', at)).status, 404);
    const wanted = {
      kty: 'RSA',
      key_size: 2048,
      key_ops: ['sign', 'verify'],
      attributes: { enabled: true },
      tags: {},
    };
    assert.equal((await azure.call('POST', 'keys/tf-key/create', wanted)).status, 200);
    const policy = {
      lifetimeActions: [
        { trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'Rotate' } },
        { trigger: { timeBeforeExpiry: 'P29D' }, action: { type: 'Notify' } },
      ],
      attributes: { expiryTime: 'P90D' },
    };
    assert.equal((await azure.call('PUT', 'keys/tf-key/rotationpolicy', policy)).status, 200);
    const { body } = await azure.call('GET', at);
    const key = body['key'] as Output;
    assert.deepEqual([key['kty'], key['key_ops']], ['RSA', ['sign', 'verify']]);
    assert.match(String(key['kid']), /\/keys\/tf-key\/[0-9a-f]{32}$/);
    const read = await azure.call('GET', 'keys/tf-key/rotationpolicy');
    assert.equal((read.body['attributes'] as Output)['expiryTime'], 'P90D');
    const change = { key_ops: ['sign'], attributes: { enabled: true }, tags: { a: 'b' } };
    assert.equal((await azure.call('PATCH', at, change)).status, 200);
    assert.deepEqual(((await azure.call('GET', at)).body['key'] as Output)['key_ops'], ['sign']);
    await azure.destroy('keys', 'tf-key');
  },
  'azurerm_key_vault_certificate: made, waited for, read as a secret, destroyed': async () => {
    const at = 'certificates/tf-cert/';
    assert.equal((await azure.call('GET', at)).status, 404);
    const policy = {
      issuer: { name: 'Self' },
      key_props: { exportable: true, key_size: 2048, kty: 'RSA', reuse_key: true },
      lifetime_actions: [
        { action: { action_type: 'AutoRenew' }, trigger: { days_before_expiry: 30 } },
      ],
      secret_props: { contentType: 'application/x-pem-file' },
      x509_props: {
        ekus: ['1.3.6.1.5.5.7.3.1'],
        key_usage: ['digitalSignature', 'keyEncipherment'],
        sans: { dns_names: ['tf.example.com'] },
        subject: 'CN=tf.example.com',
        validity_months: 12,
      },
    };
    const begun = await azure.call('POST', 'certificates/tf-cert/create', { policy, tags: {} });
    assert.equal(begun.status, 202);
    await azure.until(async () => {
      const { body } = await azure.call('GET', 'certificates/tf-cert/pending');
      assert.ok(body['error'] === undefined, JSON.stringify(body));
      return body['status'] === 'completed';
    });
    const { body } = await azure.call('GET', at);
    assert.match(String(body['sid']), /\/secrets\/tf-cert\/[0-9a-f]{32}$/);
    assert.equal(typeof body['x5t'], 'string');
    const secret = await azure.call('GET', new URL(String(body['sid'])).pathname.slice(1));
    assert.match(String(secret.body['value']), /BEGIN CERTIFICATE/);
    assert.match(String(secret.body['value']), /BEGIN (RSA )?PRIVATE KEY/);
    const shown = (await azure.call('GET', 'certificates/tf-cert/policy')).body;
    assert.equal((shown['x509_props'] as Output)['subject'], 'CN=tf.example.com');
    await azure.destroy('certificates', 'tf-cert');
  },
});
