/** `keys`: create, read, list, delete, soft-delete, rotate. */
import { decodeBase64 } from '../../../base/base64.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { listPath } from '../../../model/listing/list-path.ts';
import { findKey, KEYS, putKey } from './key-record.ts';
import { HMAC_KEY_BYTES_MAX, HMAC_KEY_BYTES_MIN, KEY_TYPES } from './key-types.ts';
import { checkAutoRotate, createKey, findKeyToMake, planRotation, rotateKey } from './make-key.ts';
import { deleteMaterial } from './material.ts';
import { CONTEXT, NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import { shownKey } from './shown-key.ts';
import type { Reply } from '../../../model/reply.ts';

const KEY_FIELDS = {
  name: NAME,
  type: {
    kind: 'string',
    description: `Type of the key: ${[...KEY_TYPES.keys()].join(', ')}.`,
    default: 'aes256-gcm96',
  },
  derived: {
    kind: 'bool',
    description: 'Every use gives a context, and a key derived with it is used.',
    default: false,
  },
  convergent_encryption: {
    kind: 'bool',
    description:
      'The same plaintext and context always give the same ciphertext; only with `derived`.',
    default: false,
  },
  exportable: { kind: 'bool', description: 'The key may be exported, for good.', default: false },
  allow_plaintext_backup: {
    kind: 'bool',
    description: 'Backups in plaintext may be taken, for good.',
    default: false,
  },
  auto_rotate_period: {
    kind: 'duration_seconds',
    description: 'Age at which the key is rotated by itself: an hour or more; 0 is never.',
    default: 0,
  },
  key_size: { kind: 'int', description: 'Length in bytes, of `hmac` keys.', default: 0 },
  context: { ...CONTEXT, description: 'Shows the public keys of a derived key for this context.' },
} as const;

interface CreateFields {
  readonly name: string;
  readonly type: string;
  readonly derived: boolean;
  readonly convergent_encryption: boolean;
  readonly exportable: boolean;
  readonly allow_plaintext_backup: boolean;
  readonly auto_rotate_period: number;
  readonly key_size: number;
}

interface Named {
  readonly name: string;
}

export function keyPaths(ports: TransitPorts): readonly Path[] {
  const { keys } = ports;

  async function create(request: Request<CreateFields>, store: Transaction): Promise<Reply> {
    const { name, key_size: keySize, convergent_encryption: convergent } = request.fields;
    checkAutoRotate(request.fields.auto_rotate_period);
    const { derived } = request.fields;
    if (convergent && !derived) {
      throw invalidRequest('convergent encryption requires derivation to be enabled');
    }
    const type = KEY_TYPES.get(request.fields.type);
    if (type === undefined) throw invalidRequest('unknown key type');
    if (
      type.family === 'hmac' &&
      keySize !== 0 &&
      (keySize < HMAC_KEY_BYTES_MIN || keySize > HMAC_KEY_BYTES_MAX)
    ) {
      throw invalidRequest('invalid key_size');
    }
    const existing = await findKey(store, name);
    if (existing !== undefined) {
      const view = { store, keys, name, record: existing };
      return shownKey(view, Buffer.alloc(0), [`key ${name} already existed`]);
    }
    const settings = {
      derived,
      convergent,
      exportable: request.fields.exportable,
      allowPlaintextBackup: request.fields.allow_plaintext_backup,
      autoRotateSeconds: request.fields.auto_rotate_period,
      keySize,
    };
    const record = await createKey(store, name, type, settings, ports, request);
    return shownKey({ store, keys, name, record });
  }

  async function read(
    request: Request<{ readonly name: string; readonly context: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const { name } = request.fields;
    const context = decodeBase64(request.fields.context);
    const record = await findKeyToMake(store, name, ports, request);
    if (record === undefined) throw notFound();
    if (context === undefined) throw invalidRequest('failed to base64-decode context');
    return shownKey({ store, keys, name, record }, context);
  }

  async function remove(request: Request<Named>, store: Transaction): Promise<undefined> {
    const { name } = request.fields;
    const record = await findKey(store, name);
    if (record === undefined) {
      throw invalidRequest(`error deleting policy ${name}: could not delete key; not found`);
    }
    if (!record.deletionAllowed) {
      throw invalidRequest(`error deleting policy ${name}: deletion is not allowed for this key`);
    }
    for (const version of Object.keys(record.versions)) {
      deleteMaterial(store, name, Number(version));
    }
    store.delete(KEYS + name);
  }

  async function rotate(request: Request<Named>, store: Transaction): Promise<Reply> {
    const { name } = request.fields;
    const existing = await findKey(store, name);
    if (existing === undefined) throw invalidRequest('key not found');
    const record = await rotateKey(store, name, existing, ports, request);
    return shownKey({ store, keys, name, record });
  }

  function marking(softDeleted: boolean, alreadySo: string) {
    return async function mark(
      request: Request<Named>,
      store: Transaction,
    ): Promise<Reply | undefined> {
      const { name } = request.fields;
      const existing = await findKey(store, name);
      if (existing === undefined) {
        // What is not there is out of use, and has not been taken out of it: there is nothing to say to either.
        return undefined;
      }
      const record = { ...existing, softDeleted };
      if (existing.softDeleted !== softDeleted) {
        putKey(store, name, record);
        planRotation(request, name, record);
      }
      const warnings = existing.softDeleted === softDeleted ? [alreadySo] : [];
      return shownKey(
        { store, keys, name, record: existing.softDeleted === softDeleted ? existing : record },
        Buffer.alloc(0),
        warnings,
      );
    };
  }

  return [
    listPath('keys', KEYS, 'the keys'),
    definePath({
      pattern: 'keys/{name}',
      fields: KEY_FIELDS,
      help: {
        synopsis: 'Creates, reads and deletes a named key.',
        description:
          'A key is created with its type and flags; creating one that exists changes nothing. It can be deleted once its ' +
          'configuration says `deletion_allowed`.',
      },
      operations: {
        update: { summary: 'Create a key', handler: create },
        read: { summary: 'Read a key without its secret', handler: read },
        delete: { summary: 'Delete a key with all versions', handler: remove },
      },
    }),
    definePath({
      pattern: 'keys/{name}/rotate',
      fields: { name: NAME },
      help: { synopsis: 'Adds a version, which is used from then on.' },
      operations: { update: { summary: 'Rotate a key', handler: rotate } },
    }),
    definePath({
      pattern: 'keys/{name}/soft-delete',
      fields: { name: NAME },
      help: { synopsis: 'Takes a key out of use and keeps it.' },
      operations: {
        delete: {
          summary: 'Take a key out of use',
          handler: marking(true, 'key was already marked as soft deleted'),
        },
      },
    }),
    definePath({
      pattern: 'keys/{name}/soft-delete-restore',
      fields: { name: NAME },
      help: { synopsis: 'Takes a soft-deleted key back into use.' },
      operations: {
        update: {
          summary: 'Take a key back into use',
          handler: marking(false, 'key was already restored'),
        },
      },
    }),
  ];
}
