/** KMS over transit keys: a ciphertext names its key, its context is authenticated, and nothing of another account is reached. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { ACCOUNT, opened, REGION } from './aws-fixture.ts';

const POLICY = `path "transit/*" { capabilities = ["read", "create", "update", "list"] }`;
const base64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64');

async function bound(context: TestContext) {
  const client = await opened(context, POLICY);
  const { server, kms } = client;
  await server.get('write', 'sys/mounts/transit', { data: { type: 'transit' } });
  await server.get('write', `sys/bindings/aws/${ACCOUNT}`, { data: { keys_mount: 'transit' } });
  for (const name of ['a', 'b']) await server.get('write', `transit/keys/${name}`, { data: {} });
  const done = async (name: string, input: object): Promise<Record<string, unknown>> => {
    const { status, json } = await kms(name, input);
    assert.equal(status, 200, JSON.stringify(json));
    return { ...json };
  };
  const refused = async (name: string, input: object): Promise<unknown> => {
    const { status, json } = await kms(name, input);
    assert.equal(status, 400, JSON.stringify(json));
    return json['__type'];
  };
  return { ...client, done, refused };
}

suite('KMS', () => {
  test('decrypts what it has encrypted, with the same context and no other', async (context) => {
    const { done, refused, server } = await bound(context);
    const bytes = base64(Buffer.from([0, 255, 0, 254]));
    const same = { EncryptionContext: { tenant: 'ü', app: 'x' } };
    const sealed = await done('Encrypt', { KeyId: 'alias/a', Plaintext: bytes, ...same });
    const { CiphertextBlob } = sealed;
    assert.equal(sealed['KeyId'], `arn:aws:kms:${REGION}:${ACCOUNT}:key/a`);
    await server.get('write', 'transit/keys/a/rotate', { data: {} });
    const again = { CiphertextBlob, EncryptionContext: { app: 'x', tenant: 'ü' } };
    assert.equal((await done('Decrypt', again))['Plaintext'], bytes);
    const raw = Buffer.from(String(CiphertextBlob), 'base64');
    for (let at = 0; at < raw.length; at += 7) {
      const altered = Buffer.from(raw);
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      const type = await refused('Decrypt', { ...same, CiphertextBlob: base64(altered) });
      assert.match(String(type), /^(?:InvalidCiphertext|NotFound|AccessDenied)Exception$/, `${at}`);
    }
    for (const other of [
      { CiphertextBlob },
      { CiphertextBlob, EncryptionContext: { tenant: 'u', app: 'x' } },
      { CiphertextBlob: base64('nothing'), ...same },
    ]) {
      assert.equal(await refused('Decrypt', other), 'InvalidCiphertextException');
    }
    const wrong = { CiphertextBlob, ...same, KeyId: 'alias/b' };
    assert.equal(await refused('Decrypt', wrong), 'IncorrectKeyException');
  });

  test('gives data keys in both forms, and moves a ciphertext to another key', async (context) => {
    const { done } = await bound(context);
    const made = await done('GenerateDataKey', { KeyId: 'a', KeySpec: 'AES_256' });
    const { Plaintext, CiphertextBlob } = made;
    assert.equal(Buffer.from(String(Plaintext), 'base64').length, 32);
    assert.equal((await done('Decrypt', { CiphertextBlob }))['Plaintext'], Plaintext);
    const moved = await done('ReEncrypt', { CiphertextBlob, DestinationKeyId: 'b' });
    const opening = { CiphertextBlob: moved['CiphertextBlob'], KeyId: 'b' };
    assert.equal((await done('Decrypt', opening))['Plaintext'], Plaintext);
    const hidden = await done('GenerateDataKeyWithoutPlaintext', { KeyId: 'a', NumberOfBytes: 7 });
    assert.equal(hidden['Plaintext'], undefined);
  });

  test('names keys of its own account only, and the alias of the one that is asked for', async (context) => {
    const { done, refused } = await bound(context);
    const arn = (account: string): string => `arn:aws:kms:${REGION}:${account}:key/a`;
    await done('DescribeKey', { KeyId: arn(ACCOUNT) });
    assert.equal(await refused('DescribeKey', { KeyId: arn('999922223333') }), 'NotFoundException');
    const aliases = async (input: object): Promise<unknown[]> =>
      ((await done('ListAliases', input))['Aliases'] as { AliasName: string }[]).map(
        ({ AliasName }) => AliasName,
      );
    assert.deepEqual(await aliases({}), ['alias/a', 'alias/b']);
    assert.deepEqual(await aliases({ KeyId: 'b' }), ['alias/b']);
    assert.deepEqual(await aliases({ KeyId: 'c' }), []);
  });
});
