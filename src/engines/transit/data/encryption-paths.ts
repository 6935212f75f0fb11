/** The paths of encryption. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { encryptionHandlers } from './encryption.ts';
import { findKey } from '../keys/key-record.ts';
import { ASSOCIATED_DATA, BATCH_INPUT, CONTEXT, KEY_VERSION, NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';

const SHARED = {
  name: NAME,
  context: CONTEXT,
  associated_data: ASSOCIATED_DATA,
  key_version: KEY_VERSION,
  batch_input: BATCH_INPUT,
} as const;

const PARTIAL_STATUS = {
  kind: 'int',
  description: 'Status to answer when some inputs of a batch failed and some did not.',
} as const;

const CIPHERTEXT = {
  kind: 'string',
  description: 'What was encrypted, as it was answered.',
  default: '',
} as const;

export function encryptionPaths(ports: TransitPorts): readonly Path[] {
  const { encrypt, decrypt, rewrap, dataKey } = encryptionHandlers(ports);
  return [
    definePath({
      pattern: 'encrypt/{name}',
      fields: {
        ...SHARED,
        partial_failure_response_code: PARTIAL_STATUS,
        plaintext: { kind: 'string', description: 'What to encrypt, in base64.', sensitive: true },
        type: {
          kind: 'string',
          description: 'Type of the key, if this request makes it.',
          default: 'aes256-gcm96',
        },
        convergent_encryption: {
          kind: 'bool',
          description: 'Whether the key, if this request makes it, encrypts convergently.',
          default: false,
        },
      },
      help: {
        synopsis: 'Encrypts data with a named key.',
        description:
          'A caller who may create makes the key by using it. Nonces are the server’s: a `nonce` that is sent is not used.',
      },
      exists: async (request, store) => (await findKey(store, request.fields.name)) !== undefined,
      operations: {
        create: { summary: 'Encrypt, making the key', handler: encrypt },
        update: { summary: 'Encrypt', handler: encrypt },
      },
    }),
    definePath({
      pattern: 'decrypt/{name}',
      fields: {
        ...SHARED,
        partial_failure_response_code: PARTIAL_STATUS,
        ciphertext: CIPHERTEXT,
      },
      help: { synopsis: 'Decrypts data with a named key.' },
      operations: { update: { summary: 'Decrypt', handler: decrypt } },
    }),
    definePath({
      pattern: 'rewrap/{name}',
      fields: { ...SHARED, ciphertext: CIPHERTEXT },
      help: {
        synopsis: 'Encrypts a ciphertext anew under the latest version of its key.',
        description: 'The plaintext is not shown, so a caller needs no right to decrypt.',
      },
      operations: { update: { summary: 'Rewrap', handler: rewrap } },
    }),
    definePath({
      pattern: 'datakey/{plaintext}/{name}',
      fields: {
        name: NAME,
        plaintext: {
          kind: 'string',
          description: '`plaintext` to get the key in both forms, `wrapped` encrypted only.',
          default: '',
        },
        bits: { kind: 'int', description: 'Length: 128, 256 or 512 bits.', default: 256 },
        context: CONTEXT,
        associated_data: ASSOCIATED_DATA,
        key_version: KEY_VERSION,
      },
      help: { synopsis: 'Makes a random key and encrypts it with a named key.' },
      operations: { update: { summary: 'Make a data key', handler: dataKey } },
    }),
  ];
}
