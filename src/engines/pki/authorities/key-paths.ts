/** `keys` and `key/REF`: made, imported, named and deleted apart from issuers. */
import { PEM_BLOCKS_MAX, nextPem } from '../../../crypto/pem.ts';
import type { PemBlock } from '../../../crypto/pem.ts';
import { hexText } from '../../../crypto/x509/certificate.ts';
import type { KeyType } from '../../../crypto/x509/algorithms.ts';
import {
  keyIdOf,
  makePrivateKey,
  privateKeyPem,
  writeKey,
  readPrivateKey,
} from '../../../crypto/x509/keys.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound, RequestError } from '../../../model/errors.ts';
import { LIST_FIELDS } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { KEY_BITS, KEY_NAME, KEY_REF, KEY_TYPE } from '../making/fields.ts';
import { keyRules } from '../making/key-rules.ts';
import type { PkiPorts } from '../ports.ts';
import { Authorities } from './authorities.ts';
import { assertName, isName } from './names.ts';
import { page } from './pages.ts';
import { readIndex } from './records.ts';
import type { KeyRecord } from './records.ts';
import { keyNotFound } from './resolve.ts';
import type { Reply } from '../../../model/reply.ts';

const KEY_LENGTH_MIN = 64;
const TOO_SHORT =
  'provided data for import was too short; perhaps a path was passed to the API rather than the contents of a PEM file';

function shown(id: string, { name, type }: KeyRecord): Readonly<Record<string, unknown>> {
  return { key_id: id, key_name: name, key_type: type };
}

/** Every block of a bundle. @throws {RequestError} what follows the last is no PEM */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    const next = nextPem(text, at);
    if (next === undefined) {
      throw invalidRequest(`error when parsing block ${blocks.length + 1}: invalid PEM data`);
    }
    blocks.push(next.block);
    if (blocks.length > PEM_BLOCKS_MAX) {
      throw invalidRequest(`a bundle holds at most ${PEM_BLOCKS_MAX} blocks`);
    }
    at = next.end;
  }
  return blocks;
}

/** The key's name, when no other key has it. @throws {RequestError} */
export function newKeyName(all: Authorities, given: string | undefined): string {
  const name = assertName('key', given);
  if (name !== '' && all.findKey(name) !== undefined) {
    throw invalidRequest('key name already in use');
  }
  return name;
}

interface GenerateValues {
  readonly key_name: string | undefined;
  readonly key_type: string;
  readonly key_bits: number;
}

interface KeyValues {
  readonly key_ref: string;
}

export function keyPaths(ports: PkiPorts): readonly Path[] {
  const load = (store: Transaction, nowMs: number): Promise<Authorities> =>
    Authorities.load(store, ports.random, nowMs);

  async function generate(
    { fields, nowMs }: Request<GenerateValues>,
    store: Transaction,
    isExported: boolean,
  ): Promise<Reply> {
    const all = await load(store, nowMs);
    const name = newKeyName(all, fields.key_name);
    const type = fields.key_type;
    const { bits } = checkedRules(type, fields.key_bits);
    const key = await makePrivateKey(type as KeyType, bits);
    const { id, record } = all.importKey(key, name);
    all.save();
    return {
      data: {
        ...shown(id, record),
        ...(isExported ? { private_key: privateKeyPem(writeKey(key), 'usual') } : {}),
      },
    };
  }

  async function importKey(
    {
      fields,
      nowMs,
    }: Request<{ readonly key_name: string | undefined; readonly pem_bundle: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const all = await load(store, nowMs);
    const name = newKeyName(all, fields.key_name);
    if (fields.pem_bundle.length < KEY_LENGTH_MIN) throw invalidRequest(TOO_SHORT);
    const blocks = pemBlocks(fields.pem_bundle);
    const [block] = blocks;
    if (blocks.length !== 1 || block === undefined) {
      throw invalidRequest('only a single key can be present within the pem_bundle for importing');
    }
    const key = readPrivateKey(block.text);
    if (key === undefined) throw invalidRequest('failed to parse PEM block: no private key');
    const { id, record, existed } = all.importKey(key, name);
    all.save();
    const warnings = existed ? ['Key already imported, use key/ endpoint to update name.'] : [];
    return { data: shown(id, record), warnings };
  }

  async function read({ fields }: Request<KeyValues>, store: Transaction): Promise<Reply> {
    const all = await load(store, 0);
    const { id, record } = found(all, fields.key_ref);
    const skid = hexText(keyIdOf(Buffer.from(record.publicKey, 'base64')), ':');
    return { data: { ...shown(id, record), subject_key_id: skid } };
  }

  async function rename(
    { fields, nowMs }: Request<KeyValues & { readonly key_name: string | undefined }>,
    store: Transaction,
  ): Promise<Reply> {
    const all = await load(store, nowMs);
    const { id } = found(all, fields.key_ref);
    const name = fields.key_name ?? '';
    if (name !== '' && !isName(name)) {
      throw invalidRequest('new key name outside of valid character limits');
    }
    const other = name === '' ? undefined : all.findKey(name);
    if (other !== undefined && other !== id) throw invalidRequest('key name already in use');
    const record = all.renameKey(id, name);
    all.save();
    const warnings =
      name === ''
        ? [`Name successfully deleted, you will now need to reference this key by it's Id: ${id}`]
        : [];
    return { data: shown(id, record), warnings };
  }

  async function remove(
    { fields, nowMs }: Request<KeyValues>,
    store: Transaction,
  ): Promise<Reply | undefined> {
    const all = await load(store, nowMs);
    const id = all.findKey(fields.key_ref);
    if (id === undefined) return undefined;
    const user = all.userOf(id);
    if (user !== undefined) {
      throw invalidRequest(`Failed to Delete Key.  Key in Use by Issuer: ${user}`);
    }
    const wasDefault = all.deleteKey(id);
    all.save();
    if (!wasDefault) return undefined;
    return {
      data: null,
      warnings: [
        `Deleted key ${id} (via key_ref ${fields.key_ref}); this was configured as the default key. Operations without an explicit key will not work until a new default is configured.`,
      ],
    };
  }

  const generateFields = { key_name: KEY_NAME, key_type: KEY_TYPE, key_bits: KEY_BITS } as const;

  return [
    definePath({
      pattern: 'keys',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the keys.' },
      operations: {
        list: {
          summary: 'List keys',
          async handler({ fields }, store) {
            const index = await readIndex(store);
            const ids = page(Object.keys(index.keys), fields);
            if (ids.length === 0) throw notFound();
            const info = ids.map((id) => [
              id,
              { key_name: index.keys[id]?.name ?? '', is_default: id === index.defaultKey },
            ]);
            return { data: { keys: ids, key_info: Object.fromEntries(info) } };
          },
        },
      },
    }),
    ...(['internal', 'exported'] as const).map((kind) =>
      definePath({
        pattern: `keys/generate/${kind}`,
        fields: generateFields,
        help: {
          synopsis:
            kind === 'exported'
              ? 'Makes a key and shows it this once.'
              : 'Makes a key that never leaves.',
        },
        operations: {
          update: {
            summary: kind === 'exported' ? 'Make a key and show it' : 'Make a key',
            handler: (request, store) => generate(request, store, kind === 'exported'),
          },
        },
      }),
    ),
    definePath({
      pattern: 'keys/generate/kms',
      fields: generateFields,
      help: { synopsis: 'Refused: keys are made here, not by another system.' },
      operations: {
        update: {
          summary: 'Refused: keys are made here',
          handler() {
            throw invalidRequest('Unknown type of key to generate');
          },
        },
      },
    }),
    definePath({
      pattern: 'keys/import',
      fields: {
        key_name: KEY_NAME,
        pem_bundle: {
          kind: 'string',
          description: 'One private key in PEM.',
          default: '',
        },
      },
      help: { synopsis: 'Imports a private key.' },
      operations: { update: { summary: 'Import a key', handler: importKey } },
    }),
    definePath({
      pattern: 'key/{key_ref}',
      fields: { key_ref: KEY_REF, key_name: KEY_NAME },
      help: { synopsis: 'Reads, renames and deletes a key.' },
      operations: {
        read: { summary: 'Read what is public of a key', handler: read },
        update: { summary: 'Rename a key', handler: rename },
        delete: { summary: 'Delete a key that no issuer uses', handler: remove },
      },
    }),
  ];
}

function checkedRules(type: string, bits: number): { readonly bits: number } {
  try {
    if (type === 'any') throw invalidRequest('unknown key type any');
    return keyRules(type, bits, 0);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw invalidRequest(`Validation for key_type, key_bits failed: ${error.message}`);
  }
}

function found(
  all: Authorities,
  reference: string,
): { readonly id: string; readonly record: KeyRecord } {
  const id = all.findKey(reference);
  const record = id === undefined ? undefined : all.keys.get(id);
  if (id === undefined || record === undefined) throw invalidRequest(keyNotFound(reference));
  return { id, record };
}
