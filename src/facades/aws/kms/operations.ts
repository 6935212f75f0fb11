/**
 * AWS KMS over the keys of the bound transit engine. A key has its name as its id and its alias; the encryption context is the
 * additional data of the encryption.
 */
import { RequestError } from '../../../model/errors.ts';
import { operation, SELF_PATH } from '../asking.ts';
import type { Asking, Operation, Output } from '../asking.ts';
import { AwsError } from '../errors.ts';
import { decodeBlob, encodeBlob, isKeyName } from './blob.ts';

const PLAINTEXT_MAX = 4096;
const BLOB_MAX = 6144;
const DATA_KEY_MAX = 1024;
const KEY_ID_MAX = 2048;
const CONTEXT_MAX = 100;
const ALGORITHM = 'SYMMETRIC_DEFAULT';
const KEY_BYTES: Readonly<Record<string, number>> = { AES_128: 16, AES_256: 32 };
const KEY_ARN = /^arn:aws:kms:([a-z0-9-]+):(\d{12}):(?:key|alias)\/(.+)$/;
/** No type of a key: an encryption that would have to make its key fails, as KMS never makes one by itself. */
const NO_TYPE = 'none';

const KEY_ID = { kind: 'string', min: 1, max: KEY_ID_MAX } as const;
const NEEDED_KEY = { ...KEY_ID, required: true } as const;
const CONTEXT = { kind: 'texts', max: CONTEXT_MAX } as const;
const ENCRYPTION_ALGORITHM = { kind: 'string', max: 64, values: [ALGORITHM] } as const;
const BLOB = { kind: 'blob', min: 1, max: BLOB_MAX, required: true } as const;

function noKey(id: string): AwsError {
  return new AwsError('NotFoundException', `Key '${id}' does not exist`);
}

/** The name of the transit key. @throws {AwsError} */
function keyName(id: string, { account, region }: Asking): string {
  const arn = KEY_ARN.exec(id);
  if (id.startsWith('arn:') && (arn === null || arn[1] !== region || arn[2] !== account))
    throw noKey(id);
  const name = (arn?.[3] ?? id).replace(/^alias\//, '');
  if (!isKeyName(name)) throw noKey(id);
  return name;
}

function keyArn({ account, region }: Asking, name: string): string {
  return `arn:aws:kms:${region}:${account}:key/${name}`;
}

type Context = Readonly<Record<string, string>> | undefined;

/** The context as the bytes that are authenticated: its pairs in order, so that the order of sending does not count. */
function additional(context: Context): { readonly associated_data?: string } {
  const pairs = Object.entries(context ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length === 0) return {};
  return { associated_data: Buffer.from(JSON.stringify(pairs)).toString('base64') };
}

async function encrypt(
  asking: Asking,
  key: string,
  plaintext: Buffer,
  context: Context,
): Promise<string> {
  try {
    const answer = await asking.ask({
      operation: 'write',
      path: `encrypt/${key}`,
      part: 'keys',
      body: { plaintext: plaintext.toString('base64'), type: NO_TYPE, ...additional(context) },
    });
    return encodeBlob({ key, ciphertext: String(answer.reply?.data?.['ciphertext']) });
  } catch (error) {
    throw isUnknownType(error) ? noKey(key) : error;
  }
}

function isUnknownType(error: unknown): boolean {
  return (
    error instanceof RequestError &&
    error.code === 'invalid_request' &&
    error.message.startsWith('unknown key type')
  );
}

async function decrypt(
  asking: Asking,
  blob: Buffer,
  context: Context,
): Promise<{ readonly key: string; readonly plaintext: Buffer }> {
  const { key, ciphertext } = decodeBlob(blob);
  try {
    const answer = await asking.ask({
      operation: 'write',
      path: `decrypt/${key}`,
      part: 'keys',
      body: { ciphertext, ...additional(context) },
    });
    return { key, plaintext: Buffer.from(String(answer.reply?.data?.['plaintext']), 'base64') };
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'invalid_request') throw error;
    throw new AwsError(
      'InvalidCiphertextException',
      'The ciphertext, its key or its context is not the right one.',
    );
  }
}

const dataKeyInput = {
  KeyId: NEEDED_KEY,
  KeySpec: { kind: 'string', max: 16, values: Object.keys(KEY_BYTES) },
  NumberOfBytes: { kind: 'integer', min: 1, max: DATA_KEY_MAX },
  EncryptionContext: CONTEXT,
} as const;

interface DataKeyInput {
  readonly KeyId: string;
  readonly KeySpec: string | undefined;
  readonly NumberOfBytes: number | undefined;
  readonly EncryptionContext: Context;
}

async function dataKey(
  input: DataKeyInput,
  asking: Asking,
): Promise<Output & { readonly Plaintext: string }> {
  const { KeySpec: spec, NumberOfBytes: bytes } = input;
  if ((spec === undefined) === (bytes === undefined)) {
    throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.');
  }
  const name = keyName(input.KeyId, asking);
  const key = asking.random.bytes(bytes ?? KEY_BYTES[spec ?? ''] ?? 0);
  return {
    CiphertextBlob: await encrypt(asking, name, key, input.EncryptionContext),
    Plaintext: key.toString('base64'),
    KeyId: keyArn(asking, name),
  };
}

const describeKey = operation({ KeyId: NEEDED_KEY }, async (input, asking) => {
  const name = keyName(input.KeyId, asking);
  const { data } = (await readKey(asking, name, input.KeyId)) ?? {};
  const created = createdSeconds(data);
  return {
    KeyMetadata: {
      AWSAccountId: asking.account,
      KeyId: name,
      Arn: keyArn(asking, name),
      ...(created === undefined ? {} : { CreationDate: created }),
      Enabled: true,
      Description: '',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      CustomerMasterKeySpec: ALGORITHM,
      KeySpec: ALGORITHM,
      EncryptionAlgorithms: [ALGORITHM],
      MultiRegion: false,
    },
  };
});

async function readKey(asking: Asking, name: string, id: string) {
  try {
    return (await asking.ask({ operation: 'read', path: `keys/${name}`, part: 'keys', body: {} }))
      .reply;
  } catch (error) {
    if (error instanceof RequestError && error.code === 'not_found' && error.reason === undefined)
      throw noKey(id);
    throw error;
  }
}

/** When the oldest version that is kept was made; symmetric keys show it in seconds, others as a time. */
function createdSeconds(
  data: Readonly<Record<string, unknown>> | null | undefined,
): number | undefined {
  const [first] = Object.values((data?.['keys'] ?? {}) as Record<string, unknown>);
  return typeof first === 'number' ? first : undefined;
}

const PAGE = {
  Limit: { kind: 'integer', min: 1, max: 1000 },
  Marker: { kind: 'string', min: 1, max: 1024 },
} as const;

/** Names behind the marker, and the marker of the next page. @param id of the only one that is wanted */
async function keyNames(
  input: { readonly Limit?: number | undefined; readonly Marker?: string | undefined },
  asking: Asking,
  id?: string,
): Promise<{ readonly keys: readonly string[]; readonly rest: Output }> {
  const limit = input.Limit ?? 100;
  const only = id === undefined ? undefined : keyName(id, asking);
  let all: readonly string[] = [];
  try {
    const answer = await asking.ask({ operation: 'list', path: 'keys/', part: 'keys', body: {} });
    all = (answer.reply?.data?.['keys'] ?? []) as readonly string[];
  } catch (error) {
    if (
      !(error instanceof RequestError) ||
      error.code !== 'not_found' ||
      error.reason !== undefined
    )
      throw error;
  }
  const wanted = all.filter((name) => isKeyName(name) && (only === undefined || name === only));
  const behind = wanted.filter((name) => name > (input.Marker ?? '')).sort();
  const keys = behind.slice(0, limit);
  const more = behind.length > limit;
  return { keys, rest: { Truncated: more, ...(more ? { NextMarker: keys.at(-1) } : {}) } };
}

const unsupported = operation({}, () => {
  throw new AwsError(
    'UnsupportedOperationException',
    'Keys are made and managed in the transit engine that is bound to this account: transit/keys/<name>.',
  );
});

export const KMS_OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  [
    'Encrypt',
    operation(
      {
        KeyId: NEEDED_KEY,
        Plaintext: { kind: 'blob', min: 1, max: PLAINTEXT_MAX, required: true },
        EncryptionContext: CONTEXT,
        EncryptionAlgorithm: ENCRYPTION_ALGORITHM,
      },
      async (input, asking) => {
        const name = keyName(input.KeyId, asking);
        const blob = await encrypt(asking, name, input.Plaintext, input.EncryptionContext);
        return {
          CiphertextBlob: blob,
          KeyId: keyArn(asking, name),
          EncryptionAlgorithm: ALGORITHM,
        };
      },
    ),
  ],
  [
    'Decrypt',
    operation(
      {
        CiphertextBlob: BLOB,
        KeyId: KEY_ID,
        EncryptionContext: CONTEXT,
        EncryptionAlgorithm: ENCRYPTION_ALGORITHM,
      },
      async (input, asking) => {
        const named = decodeBlob(input.CiphertextBlob).key;
        if (input.KeyId !== undefined && keyName(input.KeyId, asking) !== named) {
          throw new AwsError('IncorrectKeyException', 'The ciphertext was made with another key.');
        }
        const { key, plaintext } = await decrypt(
          asking,
          input.CiphertextBlob,
          input.EncryptionContext,
        );
        return {
          KeyId: keyArn(asking, key),
          Plaintext: plaintext.toString('base64'),
          EncryptionAlgorithm: ALGORITHM,
        };
      },
    ),
  ],
  ['GenerateDataKey', operation(dataKeyInput, dataKey)],
  [
    'GenerateDataKeyWithoutPlaintext',
    operation(dataKeyInput, async (input, asking) => {
      const { Plaintext: _plaintext, ...rest } = await dataKey(input, asking);
      return rest;
    }),
  ],
  [
    'ReEncrypt',
    operation(
      {
        CiphertextBlob: BLOB,
        SourceKeyId: KEY_ID,
        SourceEncryptionContext: CONTEXT,
        DestinationKeyId: NEEDED_KEY,
        DestinationEncryptionContext: CONTEXT,
      },
      async (input, asking) => {
        const to = keyName(input.DestinationKeyId, asking);
        const { key, plaintext } = await decrypt(
          asking,
          input.CiphertextBlob,
          input.SourceEncryptionContext,
        );
        const blob = await encrypt(asking, to, plaintext, input.DestinationEncryptionContext);
        return {
          CiphertextBlob: blob,
          SourceKeyId: keyArn(asking, key),
          KeyId: keyArn(asking, to),
          SourceEncryptionAlgorithm: ALGORITHM,
          DestinationEncryptionAlgorithm: ALGORITHM,
        };
      },
    ),
  ],
  ['DescribeKey', describeKey],
  [
    'GenerateRandom',
    operation(
      { NumberOfBytes: { kind: 'integer', min: 1, max: DATA_KEY_MAX } },
      async (input, asking) => {
        await asking.ask({ operation: 'read', path: SELF_PATH, part: '', body: {} });
        return { Plaintext: asking.random.bytes(input.NumberOfBytes ?? 32).toString('base64') };
      },
    ),
  ],
  [
    'ListKeys',
    operation(PAGE, async (input, asking) => {
      const { keys, rest } = await keyNames(input, asking);
      return {
        Keys: keys.map((name) => ({ KeyId: name, KeyArn: keyArn(asking, name) })),
        ...rest,
      };
    }),
  ],
  [
    'ListAliases',
    operation({ ...PAGE, KeyId: { kind: 'string', min: 1, max: 2048 } }, async (input, asking) => {
      const { KeyId: id } = input;
      const { keys, rest } = await keyNames(input, asking, id);
      return {
        Aliases: keys.map((name) => ({
          AliasName: `alias/${name}`,
          AliasArn: `arn:aws:kms:${asking.region}:${asking.account}:alias/${name}`,
          TargetKeyId: name,
        })),
        ...rest,
      };
    }),
  ],
  ['CreateKey', unsupported],
  ['CreateAlias', unsupported],
  ['UpdateAlias', unsupported],
  ['DeleteAlias', unsupported],
  ['ScheduleKeyDeletion', unsupported],
]);
