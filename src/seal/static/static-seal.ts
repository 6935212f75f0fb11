/**
 * The seal whose key lies in a file or the environment, so that a server starts unattended. It protects copies of the store
 * (backups, disks), not a host whose files somebody reads: keep the key on another medium than the store.
 */
import { readFileSync } from 'node:fs';
import type { Random } from '../../base/random.ts';
import { ownCopy, secretBuffer, wipe } from '../../crypto/secret-bytes.ts';
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

const FILE = 'file://';
const ENVIRONMENT = 'env://';
const HEX = /^[0-9a-fA-F]{64}$/;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Reads a key from `file://PATH` or `env://NAME`, or from the text itself: 32 raw bytes (files only), 64 hexadecimal digits, or
 * base64.
 * @throws {RangeError} it is none of these; the message names the source, never its content.
 */
export function loadStaticKey(
  source: string,
  environment: Readonly<Record<string, string | undefined>>,
): Buffer {
  if (source.startsWith(FILE)) {
    const content = readFileSync(source.slice(FILE.length));
    const key = content.length === SEAL_KEY_BYTES ? ownCopy(content) : decode(content.toString());
    wipe(content);
    if (key === undefined) throw new RangeError(`${source} does not hold a 32-byte key`);
    return key;
  }
  const named = source.startsWith(ENVIRONMENT);
  const key = decode(named ? (environment[source.slice(ENVIRONMENT.length)] ?? '') : source);
  if (key === undefined) {
    throw new RangeError(`${named ? source : 'the static key'} does not hold a 32-byte key`);
  }
  return key;
}

function decode(text: string): Buffer | undefined {
  const trimmed = text.trim();
  const encoding = HEX.test(trimmed) ? 'hex' : BASE64.test(trimmed) ? 'base64' : undefined;
  if (encoding === undefined) return undefined;
  const key = secretBuffer(SEAL_KEY_BYTES);
  key.write(trimmed, encoding);
  return key;
}

function checked({ id, key }: StaticKey): StaticKey {
  if (key.length !== SEAL_KEY_BYTES) throw new RangeError('a static key must be 32 bytes');
  if (id === '' || Buffer.byteLength(id) > KEY_ID_BYTES_MAX) {
    throw new RangeError('a static key needs an id of at most 255 bytes');
  }
  return { id, key: ownCopy(key) };
}
