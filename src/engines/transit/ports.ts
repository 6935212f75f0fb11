/** What the paths of one transit backend share, and the fields that many of them have. */
import type { Random } from '../../base/random.ts';
import type { KeyCache } from './keys/key-cache.ts';
import type { NoncePool } from './data/nonce-pool.ts';

export interface TransitPorts {
  readonly random: Random;
  readonly keys: KeyCache;
  readonly nonces: NoncePool;
}

export const NAME = { kind: 'string', description: 'Name of the key.', default: '' } as const;
export const CONTEXT = {
  kind: 'string',
  description: 'What a derived key is derived with, in base64.',
  default: '',
} as const;
export const KEY_VERSION = {
  kind: 'int',
  description: 'Version of the key to use; 0 is the latest.',
  default: 0,
} as const;
export const ASSOCIATED_DATA = {
  kind: 'string',
  description: 'Data in base64 that is authenticated with the ciphertext but is no part of it.',
  default: '',
} as const;
export const BATCH_INPUT = {
  kind: 'any',
  description:
    'A list of inputs, each an object; the answer has as many results in the same order.',
} as const;
