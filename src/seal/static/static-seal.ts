/**
 * The seal whose key lies in a file or the environment, so that a server starts unattended. It protects copies of the store
 * (backups, disks), not a host whose files somebody reads: keep the key on another medium than the store.
 */
import type { Random } from '../../base/random.ts';
import { ownCopy } from '../../crypto/secret-bytes.ts';
import { AuthenticationError } from '../../crypto/xaes.ts';
import { SEAL_KEY_BYTES, type Seal, UnwrapError } from '../seal.ts';
import { KEY_ID_BYTES_MAX, unwrapKey, wrapKey, wrappingKeyId } from '../wrapped-key.ts';

const TYPE = 'static';

export interface StaticKey {
  /** Names the key beside what it encrypts, so that its successor is told apart from it. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/**
 * @param keys `current` wraps; `previous` still opens what it wrapped. Both are copied.
 * @throws {RangeError} a key is not 32 bytes, or an id is empty, too long or used twice.
 */
export function createStaticSeal(
  keys: { readonly current: StaticKey; readonly previous?: StaticKey },
  random: Random,
): Seal {
  const current = checked(keys.current);
  const previous = keys.previous === undefined ? undefined : checked(keys.previous);
  if (previous?.id === current.id) throw new RangeError('the two keys must have different ids');
  return {
    type: TYPE,
    unattended: true,
    wrap: async (rootKey) =>
      wrapKey(rootKey, { key: current.key, id: current.id, purpose: TYPE }, random),
    unwrap: async (wrapped) => {
      const id = wrappingKeyId(wrapped);
      const found = [current, previous].find((each) => each?.id === id);
      if (found === undefined) {
        throw new UnwrapError('the root key is sealed under a static key that is not configured');
      }
      try {
        return unwrapKey(wrapped, { key: found.key, purpose: TYPE });
      } catch (error) {
        if (!(error instanceof AuthenticationError)) throw error;
        throw new UnwrapError('the configured static key does not open the seal', { cause: error });
      }
    },
    outdated: (wrapped) => wrappingKeyId(wrapped) !== current.id,
  };
}

function checked({ id, key }: StaticKey): StaticKey {
  if (key.length !== SEAL_KEY_BYTES) throw new RangeError('a static key must be 32 bytes');
  if (id === '' || Buffer.byteLength(id) > KEY_ID_BYTES_MAX) {
    throw new RangeError('a static key needs an id of at most 255 bytes');
  }
  return { id, key: ownCopy(key) };
}
