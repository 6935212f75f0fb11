/**
 * Drives the AWS APIs with the unmodified SDK for JavaScript, told by environment variables alone whom to ask. Environment: MODULES
 * (folder it is installed in), AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, NODE_EXTRA_CA_CERTS, ACCOUNT,
 * FEDERATED_TOKEN_FILE. One line per case, then "N passed, N failed".
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { runCases } from '../cases.ts';

type Output = Readonly<Record<string, unknown>>;
interface Client {
  send(command: object): Promise<Output>;
}
type Make<T> = new (input?: object) => T;
type Package = Readonly<Record<string, Make<object>>> & Readonly<Record<string, unknown>>;

const { MODULES = '', ACCOUNT = '', FEDERATED_TOKEN_FILE = '' } = process.env;
const require = createRequire(`${MODULES}/`);

/** `send('GetSecretValue', { … })` with the client and the commands of a package. */
function service(
  name: string,
  client: string,
  options: object = {},
): (command: string, input?: object) => Promise<Output> {
  const all = require(name) as Package;
  const made = new (all[client] as unknown as Make<Client>)(options);
  return async (command, input = {}) =>
    await made.send(new (all[`${command}Command`] as Make<object>)(input));
}

const sm = service('@aws-sdk/client-secrets-manager', 'SecretsManagerClient');
const sts = service('@aws-sdk/client-sts', 'STSClient');
const kms = service('@aws-sdk/client-kms', 'KMSClient');

async function refusedWith(name: string, run: Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error: Error) => {
    assert.equal(error.name, name);
    return true;
  });
}

await runCases('aws-javascript', {
  'creates, reads, changes and deletes': async () => {
    const Name = `js/${randomUUID()}`;
    const made = await sm('CreateSecret', { Name, SecretString: 'first' });
    const read = await sm('GetSecretValue', { SecretId: made['ARN'] });
    assert.deepEqual([read['SecretString'], read['VersionStages']], ['first', ['AWSCURRENT']]);
    assert.ok(read['CreatedDate'] instanceof Date);
    await sm('PutSecretValue', { SecretId: Name, SecretString: 'second' });
    await sm('UpdateSecret', { SecretId: Name, Description: 'changed' });
    const previous = await sm('GetSecretValue', { SecretId: Name, VersionStage: 'AWSPREVIOUS' });
    assert.equal(previous['SecretString'], 'first');
    assert.equal((await sm('DescribeSecret', { SecretId: Name }))['Description'], 'changed');
    await sm('DeleteSecret', { SecretId: Name, ForceDeleteWithoutRecovery: true });
    await refusedWith('ResourceNotFoundException', sm('GetSecretValue', { SecretId: Name }));
  },
  'keeps bytes, Unicode and 64 KiB': async () => {
    for (const SecretString of ['ключ 🔑 é', 'x'.repeat(65_536)]) {
      const { Name } = await sm('CreateSecret', { Name: `js/${randomUUID()}`, SecretString });
      assert.equal((await sm('GetSecretValue', { SecretId: Name }))['SecretString'], SecretString);
    }
    const SecretBinary = Uint8Array.from({ length: 256 }, (_, index) => index);
    const { Name } = await sm('CreateSecret', { Name: `js/${randomUUID()}`, SecretBinary });
    assert.deepEqual(
      (await sm('GetSecretValue', { SecretId: Name }))['SecretBinary'],
      SecretBinary,
    );
  },
  'pages through lists': async () => {
    const prefix = `js-${randomUUID()}`;
    for (let count = 0; count < 5; count++) {
      await sm('CreateSecret', { Name: `${prefix}/${count}`, SecretString: 'v' });
    }
    const found: unknown[] = [];
    let NextToken: unknown;
    do {
      const page: Output = await sm('ListSecrets', {
        MaxResults: 2,
        NextToken,
        Filters: [{ Key: 'name', Values: [prefix] }],
      });
      found.push(...(page['SecretList'] as unknown[]));
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    assert.equal(found.length, 5);
  },
  'names its errors': async () => {
    const { Name } = await sm('CreateSecret', { Name: `js/${randomUUID()}`, SecretString: 'v' });
    await refusedWith('ResourceExistsException', sm('CreateSecret', { Name, SecretString: 'v' }));
    await refusedWith('InvalidRequestException', sm('RotateSecret', { SecretId: Name }));
    const wrong = service('@aws-sdk/client-secrets-manager', 'SecretsManagerClient', {
      credentials: { accessKeyId: process.env['AWS_ACCESS_KEY_ID'], secretAccessKey: 'wrong' },
    });
    await refusedWith('InvalidSignatureException', wrong('GetSecretValue', { SecretId: Name }));
  },
  'says who it is, and takes a web identity': async () => {
    assert.equal((await sts('GetCallerIdentity'))['Arn'], `arn:aws:iam::${ACCOUNT}:user/app`);
    const { Credentials: keys } = await sts('AssumeRoleWithWebIdentity', {
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/app`,
      RoleSessionName: 'pod',
      WebIdentityToken: readFileSync(FEDERATED_TOKEN_FILE, 'utf8'),
    });
    const { AccessKeyId, SecretAccessKey, SessionToken } = keys as Readonly<Record<string, string>>;
    const credentials = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    };
    const session = service('@aws-sdk/client-sts', 'STSClient', { credentials });
    assert.equal(
      (await session('GetCallerIdentity'))['Arn'],
      `arn:aws:sts::${ACCOUNT}:assumed-role/app/pod`,
    );
  },
  'encrypts and decrypts': async () => {
    const Plaintext = Buffer.from('secret');
    const EncryptionContext = { a: '1' };
    const { CiphertextBlob } = await kms('Encrypt', {
      KeyId: 'alias/unseal',
      Plaintext,
      EncryptionContext,
    });
    const opened = await kms('Decrypt', { CiphertextBlob, EncryptionContext });
    assert.deepEqual(Buffer.from(opened['Plaintext'] as Uint8Array), Plaintext);
    await refusedWith('InvalidCiphertextException', kms('Decrypt', { CiphertextBlob }));
  },
});
