/** The keys of an unsealed barrier, ready for use, and how they all go away at once. */
import { HmacKey } from '../../crypto/hmac.ts';
import { deriveKey } from '../../crypto/key-derivation.ts';
import { ownCopy, wipe } from '../../crypto/secret-bytes.ts';
import { RequestError } from '../../model/errors.ts';
import { IntegrityHash } from '../sums/integrity.ts';
import { type Keyring, type Term, newestTerm, wipeKeyring } from './keyring.ts';
import { ROOT_TERM, RecordKey } from '../record.ts';

/** Most namespaces whose keys are held ready; others are unwrapped again when they are used. */
const NAMESPACES_HELD_MAX = 4096;
/** The namespace of the barrier's own records. */
const OWN = '';

export function sealedError(): RequestError {
  return new RequestError('sealed', 'Vault is sealed');
}

/** A record is encrypted under a term that this replica has not heard of. */
export class UnknownTermError extends Error {
  override readonly name = 'UnknownTermError';
  readonly key: string;
  readonly term: number;

  constructor(key: string, term: number) {
    super(`${key} is of an unknown term`);
    this.key = key;
    this.term = term;
  }
}

/** The key that opens the keyring. The cluster's id is inside the keyring, so it cannot be bound here. */
export function rootRecordKey(rootKey: Uint8Array): RecordKey {
  return new RecordKey(rootKey, { term: ROOT_TERM, clusterId: '', namespaceId: OWN });
}

export class LiveKeys {
  readonly tokens: HmacKey;
  readonly audit: HmacKey;
  readonly integrity: IntegrityHash;
  #keyring: Keyring;
  /** The revision of the keyring record that this is. */
  #revision: number;
  #rootKey: Buffer;
  #root: RecordKey;
  /** Random key and per-term record keys of each namespace in use; the barrier's own has no random key. */
  readonly #namespaces = new Map<string, NamespaceKeys>();
  #live = true;

  /** Takes over `keyring`; copies `rootKey`. */
  constructor(keyring: Keyring, revision: number, rootKey: Uint8Array) {
    this.#keyring = keyring;
    this.#revision = revision;
    this.#rootKey = ownCopy(rootKey);
    this.#root = rootRecordKey(rootKey);
    this.tokens = new HmacKey(keyring.keys.tokens);
    this.audit = new HmacKey(keyring.keys.audit);
    this.integrity = new IntegrityHash(keyring.keys.integrity);
    this.#namespaces.set(OWN, new NamespaceKeys(OWN, undefined));
  }

  get live(): boolean {
    return this.#live;
  }

  get keyring(): Keyring {
    this.#assertLive();
    return this.#keyring;
  }

  get revision(): number {
    return this.#revision;
  }

  get root(): RecordKey {
    this.#assertLive();
    return this.#root;
  }

  get rootKey(): Buffer {
    this.#assertLive();
    return this.#rootKey;
  }

  /** The key for records of `namespaceId` under `term` (by default the newest); undefined = namespace or term not held. */
  recordKey(namespaceId: string, term?: number): RecordKey | undefined {
    this.#assertLive();
    return this.#namespaces.get(namespaceId)?.under(this.#keyring, term);
  }

  /** The key for records of a namespace that does not exist yet, under the newest term. For the caller to destroy. */
  newNamespaceRecordKey(namespaceId: string, key: Buffer): RecordKey {
    this.#assertLive();
    return deriveRecordKey(namespaceId, key, this.#keyring, newestTerm(this.#keyring));
  }

  /** Holds the random key of a namespace; takes `key` over. */
  holdNamespace(namespaceId: string, key: Buffer): void {
    this.#assertLive();
    if (this.#namespaces.size > NAMESPACES_HELD_MAX) {
      for (const id of this.#namespaces.keys()) {
        if (id === OWN) continue;
        this.forgetNamespace(id);
        break;
      }
    }
    this.forgetNamespace(namespaceId);
    this.#namespaces.set(namespaceId, new NamespaceKeys(namespaceId, key));
  }

  /** Those whose keys are held. */
  get namespaces(): readonly string[] {
    return [...this.#namespaces.keys()].filter((id) => id !== OWN);
  }

  forgetNamespace(namespaceId: string): void {
    this.#namespaces.get(namespaceId)?.destroy();
    this.#namespaces.delete(namespaceId);
  }

  /** Goes over to a newer keyring of the same cluster with key buffers of its own; those of the old one are wiped. */
  replaceKeyring(keyring: Keyring, revision: number): void {
    const old = this.keyring;
    this.adoptKeyring(keyring, revision);
    wipeKeyring(old);
  }

  /** Goes over to a keyring that was made from this one and shares its buffers. */
  adoptKeyring(keyring: Keyring, revision: number): void {
    this.#assertLive();
    const kept = new Set(keyring.terms.map((term) => term.number));
    this.#keyring = keyring;
    this.#revision = revision;
    for (const held of this.#namespaces.values()) held.retain(kept);
  }

  /** Goes over to a new root key, of which it keeps a copy. */
  replaceRoot(rootKey: Uint8Array): void {
    this.#assertLive();
    this.#root.destroy();
    wipe(this.#rootKey);
    this.#rootKey = ownCopy(rootKey);
    this.#root = rootRecordKey(rootKey);
  }

  destroy(): void {
    this.#live = false;
    this.#root.destroy();
    wipe(this.#rootKey);
    wipeKeyring(this.#keyring);
    this.tokens.destroy();
    this.audit.destroy();
    this.integrity.destroy();
    for (const held of this.#namespaces.values()) held.destroy();
    this.#namespaces.clear();
  }

  #assertLive(): void {
    if (!this.#live) throw sealedError();
  }
}

/**
 * The record keys of one namespace, one per term: HKDF over the namespace's random key with the term's key as salt. Both are
 * needed, so a new term renews the key of every namespace, and losing the random key makes its records unreadable.
 */
class NamespaceKeys {
  readonly #namespaceId: string;
  readonly #key: Buffer | undefined;
  readonly #byTerm = new Map<number, RecordKey>();
  #newest: RecordKey | undefined;

  constructor(namespaceId: string, key: Buffer | undefined) {
    this.#namespaceId = namespaceId;
    this.#key = key;
  }

  under(keyring: Keyring, number?: number): RecordKey | undefined {
    const newest = newestTerm(keyring);
    const wanted = number ?? newest.number;
    if (this.#newest?.term === wanted) return this.#newest;
    const held = this.#byTerm.get(wanted);
    if (held !== undefined) return held;
    const term = keyring.terms.find((each) => each.number === wanted);
    if (term === undefined) return undefined;
    const key = deriveRecordKey(this.#namespaceId, this.#key, keyring, term);
    this.#byTerm.set(wanted, key);
    if (term === newest) this.#newest = key;
    return key;
  }

  retain(terms: ReadonlySet<number>): void {
    this.#newest = undefined;
    for (const [number, key] of this.#byTerm) {
      if (terms.has(number)) continue;
      key.destroy();
      this.#byTerm.delete(number);
    }
  }

  destroy(): void {
    if (this.#key !== undefined) wipe(this.#key);
    for (const key of this.#byTerm.values()) key.destroy();
    this.#byTerm.clear();
    this.#newest = undefined;
  }
}

function deriveRecordKey(
  namespaceId: string,
  namespaceKey: Buffer | undefined,
  keyring: Keyring,
  term: Term,
): RecordKey {
  const bytes =
    namespaceKey === undefined
      ? deriveKey(term.key, { info: 'strongroom barrier record' })
      : deriveKey(namespaceKey, {
          salt: term.key,
          info: `strongroom namespace record ${namespaceId}`,
        });
  const key = new RecordKey(bytes, {
    term: term.number,
    clusterId: keyring.clusterId,
    namespaceId,
  });
  wipe(bytes);
  return key;
}
