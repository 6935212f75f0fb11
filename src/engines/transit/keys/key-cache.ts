/**
 * Keys ready for use, as OpenSSL holds them (never as text). They hang on the key's decoded record, which the barrier caches per
 * stored revision: any change of the key, and a seal, drops the record, and with it go the keys. A bound on their number holds
 * beside that.
 */
import { createPublicKey, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { hkdfExpand, hkdfExtract } from '../../../crypto/hkdf.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import type { Reader } from '../../../model/transaction.ts';
import type { StoredKey } from './key-record.ts';
import { isAsymmetric, keyTypeOf } from './key-types.ts';
import {
  ed25519Pair,
  ed25519Private,
  privateKeyOf,
  publicKeyOf,
  withMaterial,
} from './material.ts';

/** Most versions of all keys held at a time; one more, and all are dropped. */
export const HELD_MAX: number = 4096;

export interface ReadyKey {
  /** Raw key of a symmetric type that is not derived. */
  readonly secret?: KeyObject;
  /** What the keys of contexts are expanded from (HKDF's pseudo-random key), of a derived type. */
  readonly root?: KeyObject;
  readonly privateKey?: KeyObject;
  readonly publicKey?: KeyObject;
  readonly hmac: KeyObject;
}

export class KeyCache {
  readonly #heldMax: number;
  #held = new WeakMap<object, Map<number, ReadyKey>>();
  #count = 0;

  constructor(heldMax: number = HELD_MAX) {
    this.#heldMax = heldMax;
  }

  /** @param record as this request read it from `store`. */
  async ready(store: Reader, name: string, record: StoredKey, version: number): Promise<ReadyKey> {
    const held = this.#held.get(record)?.get(version);
    if (held !== undefined) return held;
    const ready = await withMaterial(store, name, version, (material) =>
      prepare(record, version, material),
    );
    if (this.#count >= this.#heldMax) {
      this.#held = new WeakMap();
      this.#count = 0;
    }
    let versions = this.#held.get(record);
    if (versions === undefined) this.#held.set(record, (versions = new Map()));
    versions.set(version, ready);
    this.#count++;
    return ready;
  }
}

function prepare(
  record: StoredKey,
  version: number,
  { key, hmac }: { readonly key: Buffer; readonly hmac: Buffer },
): ReadyKey {
  const type = keyTypeOf(record);
  const ownHmac = createSecretKey(hmac);
  if (!isAsymmetric(type)) {
    if (!record.derived) return { secret: createSecretKey(key), hmac: ownHmac };
    return { root: rootOf(key), hmac: ownHmac };
  }
  const publicText = record.versions[version]?.publicKey;
  if (key.length === 0) {
    return publicText === undefined
      ? { hmac: ownHmac }
      : { publicKey: publicKeyOf(publicText), hmac: ownHmac };
  }
  const privateKey = privateKeyOf(key);
  if (record.derived) {
    const pair = ed25519Pair(privateKey);
    const root = rootOf(pair);
    wipe(pair);
    return { root, hmac: ownHmac };
  }
  return { privateKey, publicKey: createPublicKey(privateKey), hmac: ownHmac };
}

function rootOf(material: Buffer): KeyObject {
  const extracted = hkdfExtract(material);
  const root = createSecretKey(extracted);
  wipe(extracted);
  return root;
}

/** The Ed25519 key of one context. */
export function derivedEd25519(root: KeyObject, context: Buffer): KeyObject {
  const seed = hkdfExpand(root, context, 32);
  const key = ed25519Private(seed);
  wipe(seed);
  return key;
}
