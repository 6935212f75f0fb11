/** The seal whose key is shared out to people: the unseal key joined from their shares opens the root key. */
import type { Random } from '../../base/random.ts';
import { AuthenticationError } from '../../crypto/xaes.ts';
import { SEAL_KEY_BYTES, type Seal, UnwrapError } from '../seal.ts';
import { unwrapKey, wrapKey } from '../wrapped-key.ts';

const TYPE = 'shamir';

export function createShamirSeal(random: Random): Seal {
  return {
    type: TYPE,
    unattended: false,
    wrap: async (rootKey, unsealKey) =>
      wrapKey(rootKey, { key: given(unsealKey), id: '', purpose: TYPE }, random),
    unwrap: async (wrapped, unsealKey) => {
      try {
        return unwrapKey(wrapped, { key: given(unsealKey), purpose: TYPE });
      } catch (error) {
        if (!(error instanceof AuthenticationError)) throw error;
        throw new UnwrapError('invalid key: the unseal keys do not open the seal', {
          cause: error,
        });
      }
    },
  };
}

function given(unsealKey: Uint8Array | undefined): Uint8Array {
  if (unsealKey?.length !== SEAL_KEY_BYTES) {
    throw new UnwrapError('invalid key: the unseal keys do not open the seal');
  }
  return unsealKey;
}
