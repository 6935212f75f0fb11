/** `config/keys` and `cache-config`: settings of the whole mount. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import type { Reply } from '../../model/reply.ts';

const KEY_SETTINGS = 'config/keys';
const CACHE_SETTINGS = 'config/cache';

interface MountKeySettings {
  /** Encrypting under a name without a key does not make one. */
  readonly disableUpsert: boolean;
}

export async function keySettings(store: Reader): Promise<MountKeySettings> {
  return (await store.getRecord<MountKeySettings>(KEY_SETTINGS)) ?? { disableUpsert: false };
}

const CACHE_SIZE_MIN = 10;

interface CacheSettings {
  readonly size: number;
}

async function readCache(_request: unknown, store: Reader): Promise<Reply> {
  const settings = await store.getRecord<CacheSettings>(CACHE_SETTINGS);
  return { data: { size: settings?.size ?? 0 } };
}

function writeCache(request: Request<{ readonly size: number }>, store: Transaction): Reply {
  const { size } = request.fields;
  if (size !== 0 && size < CACHE_SIZE_MIN) {
    throw invalidRequest(`size must be 0 or a value greater or equal to ${CACHE_SIZE_MIN}`);
  }
  store.putJson(CACHE_SETTINGS, { size });
  return { data: { size } };
}

async function readKeys(_request: unknown, store: Reader): Promise<Reply> {
  return { data: { disable_upsert: (await keySettings(store)).disableUpsert } };
}

function writeKeys(
  request: Request<{ readonly disable_upsert: boolean }>,
  store: Transaction,
): Reply {
  const { disable_upsert: disableUpsert } = request.fields;
  store.putJson(KEY_SETTINGS, { disableUpsert });
  return { data: { disable_upsert: disableUpsert } };
}

export function settingsPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'config/keys',
      fields: {
        disable_upsert: {
          kind: 'bool',
          description: 'Encrypting under a name that has no key does not make one.',
          default: false,
        },
      },
      help: { synopsis: 'Configures how keys come to be.' },
      operations: {
        read: { summary: 'Read the settings of keys', handler: readKeys },
        update: { summary: 'Change the settings of keys', handler: writeKeys },
      },
    }),
    definePath({
      pattern: 'cache-config',
      fields: {
        size: {
          kind: 'int',
          description: 'Kept and answered for other servers’ tools; the cache here sizes itself.',
          default: 0,
        },
      },
      help: {
        synopsis: 'Keeps the size that tools ask for.',
        description:
          'The cache of keys has one bound for the whole server and follows every change by itself, so the size has no effect.',
      },
      operations: {
        read: { summary: 'Read the size', handler: readCache },
        update: { summary: 'Change the size', handler: writeCache },
      },
    }),
  ];
}
