/** The barrier: sealed it is a store of ciphertext, unsealed it hands out units of reads and writes. */
import { uuid } from '../base/random.ts';
import type { World } from '../base/world.ts';
import type { HmacKey } from '../crypto/hmac.ts';
import { equalConstantTime, ownCopy, wipe } from '../crypto/secret-bytes.ts';
import { invalidRequest } from '../model/errors.ts';
import { ConflictError, type Storage } from '../storage/storage.ts';
import { type BarrierCopy, openCopy } from './copy.ts';
import { EncryptedStore, type Tampering } from './encrypted-store.ts';
import {
  KEY_BYTES,
  type KeyStatus,
  type Keyring,
  type RotationConfig,
  isRotationDue,
  newKeyring,
  withNewTerm,
} from './keys/keyring.ts';
import { LiveKeys, sealedError } from './keys/live-keys.ts';
import { createStagedStorage } from './staged-storage.ts';
import type { ReencryptionProgress } from './reencryption.ts';
import { reencryptStep, unusedTerms, withoutTerms } from './reencryption.ts';
import { Scrub, scannable } from './scrub.ts';
import { NonceSource } from './nonce-source.ts';
import { RecordCache } from './record-cache.ts';
import {
  KEYRING_KEY,
  NAMESPACE_KEY_PREFIX,
  ROOT_KEY_KEY,
  ROOT_NAMESPACE_ID,
} from './storage-keys.ts';
import type { BarrierUnit } from './barrier-unit.ts';
import { followChanges } from './keys/changed-elsewhere.ts';
import { SEALED_UNIT } from './sealed-unit.ts';
import { StoredUnit } from './unit.ts';
import { keyStatusOf, persistUsage } from './keys/usage.ts';
import {
  type KeyringExtras,
  changeKeyring,
  loadKeys,
  ownRecord,
  plaintextOf,
  putRecords,
  refreshKeyring,
} from './keys/stored-keyring.ts';
import { type Alongside, createRecords } from './first-records.ts';

const INITIALIZED = 'already initialized';

export interface BarrierOptions {
  readonly storage: Storage;
  readonly world: World;
  /** Told of every record that failed authentication. Must not throw. */
  readonly onTamper?: (tampering: Tampering) => void;
  /** Memory for decoded records, in bytes. */
  readonly recordCacheBytesMax?: number;
}

interface Open {
  readonly keys: LiveKeys;
  readonly store: EncryptedStore;
  readonly storage: Storage;
}

export class Barrier {
  readonly #storage: Storage;
  readonly #world: World;
  readonly #onTamper: (tampering: Tampering) => void;
  readonly #nonces: NonceSource;
  readonly #records: RecordCache;
  #open: Open | undefined;
  #lastPosition: bigint | undefined;
  /** What stands in for it while a cluster is being set up. */
  #staged: Open | undefined;
  /** The end of the queue of key changes, which run one at a time. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: BarrierOptions) {
    this.#storage = options.storage;
    this.#world = options.world;
    this.#onTamper = options.onTamper ?? (() => undefined);
    this.#nonces = new NonceSource(options.world.random);
    this.#records = new RecordCache(options.recordCacheBytesMax);
  }

  get sealed(): boolean {
    return this.#open === undefined;
  }

  /** The cluster's UUID. @throws {RequestError} `sealed` */
  get clusterId(): string {
    return this.#opened().keys.keyring.clusterId;
  }

  /** Under which tokens and other bearer values are stored. @throws {RequestError} `sealed` */
  get tokenHmac(): HmacKey {
    return this.#opened().keys.tokens;
  }

  /** Under which the audit log hides values. @throws {RequestError} `sealed` */
  get auditHmac(): HmacKey {
    return this.#opened().keys.audit;
  }

  /** The Ed25519 seed that signs audit checkpoints, for the caller to wipe. @throws {RequestError} `sealed` */
  checkpointSeed(): Buffer {
    return ownCopy(this.#opened().keys.keyring.keys.checkpoints);
  }

  /** Opens a copy of this store. The caller seals it. @throws {RequestError} it is of another cluster, or none. */
  openCopy(storage: Storage): Promise<BarrierCopy> {
    const { store: live } = this.#opened();
    return openCopy({ storage, live, nonces: this.#nonces, onTamper: this.#onTamper });
  }

  /** How far the store has come ({@link EncryptedStore.position}); while sealed, how far it had. */
  get position(): bigint | undefined {
    return this.#open?.store.position ?? this.#lastPosition;
  }

  async initialized(): Promise<boolean> {
    const [keyring] = await this.#storage.read([KEYRING_KEY]);
    return keyring !== undefined;
  }

  /**
   * Creates a cluster in an empty store: its keys, the root namespace, and what `setUp` writes, all in one commit. While `setUp`
   * runs, units and keys can be had as if the barrier were open, but it still calls itself sealed; afterwards it is sealed.
   * @param rootKey 32 bytes, left to the caller.
   * @throws {RequestError} `invalid_request` when there is a cluster already.
   */
  initialize(
    rootKey: Uint8Array,
    alongside: readonly Alongside[] = [],
    setUp: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#open !== undefined || (await this.initialized())) throw invalidRequest(INITIALIZED);
      const { clock, random } = this.#world;
      const keyring = newKeyring(uuid(random), clock.nowMs(), random);
      const keys = new LiveKeys(keyring, 0, rootKey);
      const namespaceKey = random.bytes(KEY_BYTES);
      const staged = createStagedStorage();
      try {
        await createRecords(staged, keys, this.#nonces, [
          { key: KEYRING_KEY, value: plaintextOf(keyring, rootKey, random) },
          { key: NAMESPACE_KEY_PREFIX + ROOT_NAMESPACE_ID, value: namespaceKey },
          ...alongside,
        ]);
        this.#staged = this.#openOn(staged, keys);
        await setUp();
        await staged.moveTo(this.#storage);
      } catch (error) {
        throw error instanceof ConflictError ? invalidRequest(INITIALIZED) : error;
      } finally {
        this.#staged = undefined;
        wipe(namespaceKey);
        keys.destroy();
        this.#records.clear();
      }
    });
  }

  /**
   * Opens the barrier. Does nothing when it is open.
   * @param rootKey 32 bytes, left to the caller.
   * @throws {RequestError} `not_initialized`; `invalid_request` when the key does not open the keyring.
   */
  unseal(rootKey: Uint8Array): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#open !== undefined) return;
      const open = this.#openOn(this.#storage, await loadKeys(this.#storage, rootKey));
      await open.store.measurePosition();
      this.#open = open;
    });
  }

  /** Whether `rootKey` is the current one. @throws {RequestError} `sealed` */
  isRootKey(rootKey: Uint8Array): boolean {
    return equalConstantTime(this.#opened().keys.rootKey, rootKey);
  }

  /** The root key, for the seal to wrap again and wipe. @throws {RequestError} `sealed` */
  copyRootKey(): Buffer {
    return ownCopy(this.#opened().keys.rootKey);
  }

  /**
   * Wipes every key at once. From now on everything throws `sealed`; what was under way and not yet handed to the store
   * fails, what was handed over ends by itself.
   */
  seal(): void {
    this.#open?.store.finishLate();
    this.#lastPosition = this.position;
    this.#open?.keys.destroy();
    this.#open = undefined;
    this.#records.clear();
  }

  /** Starts a unit. Begun while sealed, every use of it throws `sealed`. */
  begin(): BarrierUnit {
    const open = this.#open ?? this.#staged;
    if (open === undefined) return SEALED_UNIT;
    const { store, storage } = open;
    return new StoredUnit({
      store,
      storage,
      records: this.#records,
      random: this.#world.random,
    });
  }

  /** Installs a new term: everything is encrypted under it from now on. */
  rotate(): Promise<KeyStatus> {
    const { clock, random } = this.#world;
    return this.#changeKeyring((keyring) => withNewTerm(keyring, clock.nowMs(), random));
  }

  /** Installs a new term if the configuration says that the newest is too old or has encrypted too often. */
  async rotateIfDue(): Promise<boolean> {
    const nowMs = this.#world.clock.nowMs();
    const due = isRotationDue(await this.rotationConfig(), await this.keyStatus(), nowMs);
    if (due) await this.rotate();
    return due;
  }

  /** Encrypts up to `limit` records again under the newest term; to be called until it is done. */
  reencrypt(limit?: number): Promise<ReencryptionProgress> {
    const { store, storage } = this.#opened();
    return reencryptStep(store, scannable(storage), limit);
  }

  /** Drops the terms that nothing is encrypted under any more. @returns how many. */
  async dropUnusedTerms(): Promise<number> {
    const { store, storage } = this.#opened();
    const unused = await unusedTerms(store, scannable(storage), this.#world.clock.nowMs());
    if (unused.length === 0) return 0;
    await this.#changeKeyring((keyring) => withoutTerms(keyring, unused));
    return unused.length;
  }

  /** Starts a walk over the whole store that checks every record and the sums; one at a time. */
  scrub(): Scrub {
    const { store, storage } = this.#opened();
    return new Scrub(store, scannable(storage));
  }

  /** The numbers of the terms in the keyring; the last is the one that encrypts. */
  get terms(): readonly number[] {
    return this.#opened().keys.keyring.terms.map((term) => term.number);
  }

  /** This and {@link keyStatus} are as another process has just left them. */
  async rotationConfig(): Promise<RotationConfig> {
    await this.refresh();
    return this.#opened().keys.keyring.rotation;
  }

  async setRotationConfig(wish: Partial<RotationConfig>): Promise<void> {
    await this.#changeKeyring((old) => ({ ...old, rotation: { ...old.rotation, ...wish } }));
  }

  /**
   * Encrypts the keyring under a new root key, in one commit with what the seal has to store. The replicas learn the new
   * root key from a record that the old keyring opens.
   * @param rootKey 32 bytes, left to the caller.
   */
  async rekey(rootKey: Uint8Array, alongside: readonly Alongside[] = []): Promise<void> {
    await this.#changeKeyring((keyring) => keyring, {
      rootKey,
      alongside: [...alongside, { key: ROOT_KEY_KEY, value: rootKey }],
    });
  }

  /** Writes records of the seal and of the barrier itself, in one commit. */
  putOwn(records: readonly Alongside[]): Promise<void> {
    return putRecords(this.#opened().store, records);
  }

  /** The plaintext of one of the barrier's own records below `core/`, for the caller to wipe. */
  async getOwn(key: string): Promise<Buffer | undefined> {
    return await ownRecord(this.#opened().store, key);
  }

  /** The same while sealed, with the root key of the caller, to whom it is left. */
  async getOwnUnder(rootKey: Uint8Array, key: string): Promise<Buffer | undefined> {
    const keys = await loadKeys(this.#storage, rootKey);
    try {
      return await ownRecord(this.#openOn(this.#storage, keys).store, key);
    } finally {
      keys.destroy();
    }
  }

  /**
   * Another process has changed these records; undefined = any. Keys of namespaces that were shredded are forgotten, and a new
   * keyring is taken over.
   */
  async changedElsewhere(keys: readonly string[] | undefined): Promise<void> {
    if (this.#open !== undefined) await followChanges(this.#open.store, keys);
  }

  /** Takes over what another replica did to the keyring. */
  refresh(): Promise<void> {
    return refreshKeyring(this.#opened().store);
  }

  async keyStatus(): Promise<KeyStatus> {
    await this.refresh();
    return await keyStatusOf(this.#opened().store);
  }

  /** Adds the encryptions counted in memory to those stored. Worth calling every few minutes and before a stop. */
  persistUsage(): Promise<void> {
    return persistUsage(this.#opened().store);
  }

  #opened(): Open {
    const open = this.#open ?? this.#staged;
    if (open === undefined) throw sealedError();
    return open;
  }

  #openOn(storage: Storage, keys: LiveKeys): Open {
    const store = new EncryptedStore({
      storage,
      keys,
      nonces: this.#nonces,
      onTamper: this.#onTamper,
      refresh: () => this.refresh(),
    });
    return { keys, store, storage };
  }

  #changeKeyring(
    change: (keyring: Keyring) => Keyring,
    more: KeyringExtras = {},
  ): Promise<KeyStatus> {
    return this.#exclusive(async () => {
      await changeKeyring(this.#opened().store, change, more);
      return this.keyStatus();
    });
  }

  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(action);
    this.#changes = result.catch(() => undefined);
    return result;
  }
}
