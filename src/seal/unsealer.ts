/** Initialization, sealing and unsealing: how the root key comes to the barrier. */
import { ownCopy, wipe } from '../crypto/secret-bytes.ts';
import { RequestError, invalidRequest } from '../model/errors.ts';
import type { Alongside } from '../barrier/first-records.ts';
import { opensKeyring } from '../barrier/keys/stored-keyring.ts';
import { quorumRecord } from './quorum-record.ts';
import { Rekey } from './rekey.ts';
import { RootGeneration } from './root-generation.ts';
import { migrateSeal, unwrapRoot } from './migration.ts';
import { SEAL_KEY_BYTES, type Sharing, UnwrapError } from './seal.ts';
import {
  SealState,
  type SealStateOptions,
  Turns,
  assertQuorum,
  pgpUnsupported,
  wrongShares,
} from './seal-state.ts';
import {
  type SealedRoot,
  UNSEAL_KEY,
  WRAPPED_ROOT_KEY,
  readSealedRoot,
  sealRecords,
} from './sealed-root.ts';
import type { Storage } from '../storage/storage.ts';
import { ShareCollector, generateShares, sharingFault } from './shares.ts';

/** What `sys/seal-status` tells, in Vault's terms. */
export interface SealStatus {
  readonly type: string;
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** Threshold and number of the shares; 0 when there are none. */
  readonly t: number;
  readonly n: number;
  /** Shares given so far in this attempt to unseal. */
  readonly progress: number;
  /** Identifies the attempt; empty when none is under way. */
  readonly nonce: string;
  /** The shares are recovery keys. */
  readonly recoverySeal: boolean;
  /** The store has yet to be moved to this seal. */
  readonly migration: boolean;
}

export interface InitRequest {
  /** Of the unseal key; for a Shamir seal. */
  readonly sharing?: Sharing;
  /** Of the recovery key; for an unattended seal. No shares = no recovery keys. */
  readonly recoverySharing?: Sharing;
  readonly pgpKeys?: readonly string[];
  readonly recoveryPgpKeys?: readonly string[];
  readonly rootTokenPgpKey?: string;
}

/** Shares for the caller to hand out and wipe (see `encodeShares`). */
export interface InitResult {
  readonly shares: readonly Buffer[];
  readonly recoveryShares: readonly Buffer[];
}

export class Unsealer {
  readonly #state: SealState;
  readonly #collector: ShareCollector;
  readonly #turns = new Turns();
  /** Of the unseal key (Shamir) or the root key alone (unattended). */
  readonly rekey: Rekey;
  /** Of the recovery key of an unattended seal. */
  readonly recoveryRekey: Rekey;
  readonly rootGeneration: RootGeneration;

  constructor(options: SealStateOptions) {
    this.#state = new SealState(options);
    this.#collector = new ShareCollector(options.world.random);
    this.rekey = new Rekey(this.#state, 'barrier');
    this.recoveryRekey = new Rekey(this.#state, 'recovery');
    this.rootGeneration = new RootGeneration(this.#state);
  }

  /** True when the server unseals itself and the shares are recovery keys. */
  get unattended(): boolean {
    return this.#state.seal.unattended;
  }

  get sealed(): boolean {
    return this.#state.barrier.sealed;
  }

  async status(): Promise<SealStatus> {
    const { barrier, seal } = this.#state;
    const stored = await this.#state.stored();
    return {
      type: seal.type,
      initialized: stored !== undefined,
      sealed: barrier.sealed,
      t: stored?.config.sharing?.threshold ?? 0,
      n: stored?.config.sharing?.shares ?? 0,
      progress: this.#collector.count,
      nonce: this.#collector.nonce,
      recoverySeal: seal.unattended,
      migration: stored !== undefined && this.#state.leavingOf(stored) !== undefined,
    };
  }

  /**
   * Creates the cluster: keys, seal, and what `setUp` writes through the barrier (mounts, a root token) are there together or
   * not at all. A Shamir seal leaves the server sealed, an unattended one open.
   * @throws {RequestError} `invalid_request`
   */
  init(request: InitRequest, setUp: () => Promise<void>): Promise<InitResult> {
    return this.#turns.take(async () => {
      const { barrier, seal, world } = this.#state;
      if ((await this.#state.stored()) !== undefined) {
        throw invalidRequest('Vault is already initialized');
      }
      const sharing = checkedSharing(request, seal);
      const made = sharing === undefined ? undefined : generateShares(sharing, world.random);
      const rootKey = world.random.bytes(SEAL_KEY_BYTES);
      try {
        const unsealKey = seal.unattended ? undefined : made?.key;
        const wrapped = await seal.wrap(rootKey, unsealKey);
        const records: Alongside[] = sealRecords({ config: { type: seal.type, sharing }, wrapped });
        if (made !== undefined) records.push(quorumRecord(made.key, seal.unattended));
        await barrier.initialize(rootKey, records, setUp);
        if (seal.unattended) await barrier.unseal(rootKey);
      } catch (error) {
        for (const share of made?.shares ?? []) wipe(share);
        throw error;
      } finally {
        wipe(rootKey);
        if (made !== undefined) wipe(made.key);
      }
      const shares = made?.shares ?? [];
      return seal.unattended
        ? { shares: [], recoveryShares: shares }
        : { shares, recoveryShares: [] };
    });
  }

  /**
   * Gives one share. With the last one that the threshold needs the barrier opens, or all shares are forgotten. Once it is open this does not fail:
   * whoever opened it has to go on, whatever the store does then.
   * @param share wiped here; see `parseShare`.
   * @param migrate the share is of the seal that is being left; the store goes over to the configured one.
   * @throws {RequestError} `invalid_request` when the shares do not open the seal.
   */
  submit(share: Buffer, migrate = false): Promise<void> {
    return this.#turns.take(async () => {
      try {
        if (migrate) await this.#collectForMigration(share);
        else await this.#collectForUnseal(share);
      } finally {
        wipe(share);
      }
    });
  }

  /** Forgets the shares given so far. @throws {RequestError} `invalid_request` when the server is not sealed. */
  reset(): void {
    if (!this.#state.barrier.sealed) throw invalidRequest('vault is unsealed');
    this.#collector.reset();
  }

  /**
   * Opens the barrier without anybody, if the seal can; wraps the root key again when the seal's own key was replaced.
   * @returns whether the barrier is open now. False before initialization, for a seal that needs people, and
   * while the store has yet to be moved to the seal.
   * @throws {RequestError} the seal does not open what is stored.
   */
  unsealUnattended(): Promise<boolean> {
    return this.#turns.take(async () => {
      const { barrier, seal } = this.#state;
      if (!barrier.sealed) return true;
      const found = await this.#state.stored();
      if (!seal.unattended || found === undefined) return false;
      if (this.#state.leavingOf(found) !== undefined) return false;
      const stored = await this.#state.present();
      await this.#unsealWith(stored, undefined);
      if (seal.outdated?.(stored.wrapped) === true) {
        const rootKey = barrier.copyRootKey();
        try {
          const wrapped = await seal.wrap(rootKey);
          await barrier.putOwn([{ key: WRAPPED_ROOT_KEY, value: wrapped }]);
        } finally {
          wipe(rootKey);
        }
      }
      return true;
    });
  }

  /**
   * Why this server could not be unsealed as it always is if the store were what `copy` is; undefined = it could.
   * @throws {RequestError} `sealed`; the copy holds no cluster.
   */
  async refusalOfCopy(copy: Storage): Promise<string | undefined> {
    const { barrier, seal } = this.#state;
    const stored = await readSealedRoot(copy);
    if (stored === undefined) throw invalidRequest('the snapshot holds no cluster');
    if (stored.config.type !== seal.type) {
      return `it is sealed by the seal type ${stored.config.type}, this server by ${seal.type}`;
    }
    const rootKey = barrier.copyRootKey();
    const opens = await opensKeyring(copy, rootKey).finally(() => wipe(rootKey));
    if (!opens) {
      return 'it is sealed with other keys than this server has now';
    }
    if (!seal.unattended) return undefined;
    try {
      wipe(await seal.unwrap(stored.wrapped));
      return undefined;
    } catch (error) {
      if (error instanceof UnwrapError) return error.message;
      throw error;
    }
  }

  /**
   * Unseals with the root key that the server had before the store was replaced, or by the seal alone.
   * @param rootKey left to the caller; undefined = it was sealed.
   * @returns whether the barrier is open now.
   */
  async unsealAgain(rootKey: Uint8Array | undefined): Promise<boolean> {
    if (this.unattended) return await this.unsealUnattended();
    if (rootKey === undefined) return false;
    return await this.#turns.take(async () => {
      const stored = await this.#state.stored();
      if (stored?.config.type !== this.#state.seal.type) return false;
      try {
        await this.#state.barrier.unseal(rootKey);
        return true;
      } catch (error) {
        if (error instanceof RequestError) return false;
        throw error;
      }
    });
  }

  /** Wipes every key and ends every attempt. */
  seal(): void {
    this.#state.barrier.seal();
    this.#collector.reset();
    this.rekey.end();
    this.recoveryRekey.end();
    this.rootGeneration.end();
  }

  /** Replaces the root key under the same shares (`sys/rotate/root`). For a caller who is authorized otherwise. */
  rotateRoot(): Promise<void> {
    return this.#turns.take(async () => {
      const { barrier, seal, world } = this.#state;
      const { config } = await this.#state.open();
      const rootKey = world.random.bytes(SEAL_KEY_BYTES);
      const unsealKey = seal.unattended ? undefined : await barrier.getOwn(UNSEAL_KEY);
      try {
        const wrapped = await seal.wrap(rootKey, unsealKey);
        await barrier.rekey(rootKey, sealRecords({ config, wrapped }));
      } finally {
        wipe(rootKey);
        if (unsealKey !== undefined) wipe(unsealKey);
      }
    });
  }

  async #collectForUnseal(share: Buffer): Promise<void> {
    const { barrier, seal } = this.#state;
    const stored = await this.#state.present();
    if (!barrier.sealed) return;
    if (seal.unattended) {
      throw invalidRequest('the server unseals itself: recovery keys cannot unseal it');
    }
    await this.#collect(share, stored, (key) => this.#unsealWith(stored, key));
  }

  async #collectForMigration(share: Buffer): Promise<void> {
    const { barrier, seal } = this.#state;
    const stored = await this.#state.stored();
    if (stored === undefined) throw invalidRequest('Vault is not initialized');
    const from = this.#state.leavingOf(stored);
    if (from === undefined) {
      throw invalidRequest("can't perform a seal migration, no migration seal found");
    }
    assertQuorum(stored);
    await this.#collect(share, stored, (key) =>
      migrateSeal(barrier, { from, to: seal }, stored, key),
    );
  }

  /** Keeps the share, and once there are enough hands the joined key to `use`. */
  async #collect(
    share: Buffer,
    stored: SealedRoot,
    use: (key: Buffer) => Promise<void>,
  ): Promise<void> {
    this.#collector.add(ownCopy(share));
    if (this.#collector.count < (stored.config.sharing?.threshold ?? 1)) return;
    const key = this.#collector.combine();
    this.#collector.reset();
    if (key === undefined) throw wrongShares();
    try {
      await use(key);
    } finally {
      wipe(key);
    }
  }

  async #unsealWith(stored: SealedRoot, unsealKey: Buffer | undefined): Promise<void> {
    const { barrier, seal } = this.#state;
    const rootKey = await unwrapRoot(seal, stored, unsealKey);
    try {
      await barrier.unseal(rootKey);
    } finally {
      wipe(rootKey);
    }
  }
}

function checkedSharing(
  request: InitRequest,
  seal: { readonly type: string; readonly unattended: boolean },
): Sharing | undefined {
  const { sharing, recoverySharing } = request;
  const wrong = seal.unattended ? sharing : recoverySharing;
  if (wrong !== undefined && (wrong.shares !== 0 || wrong.threshold !== 0)) {
    const prefix = seal.unattended ? 'secret' : 'recovery';
    throw invalidRequest(
      `parameters ${prefix}_shares,${prefix}_threshold not applicable to seal type ${seal.type}`,
    );
  }
  if ((request.pgpKeys?.length ?? 0) > 0) throw pgpUnsupported('pgp_keys');
  if ((request.recoveryPgpKeys?.length ?? 0) > 0) throw pgpUnsupported('recovery_pgp_keys');
  if ((request.rootTokenPgpKey ?? '') !== '') throw pgpUnsupported('root_token_pgp_key');
  const wanted = (seal.unattended ? recoverySharing : sharing) ?? { shares: 0, threshold: 0 };
  if (seal.unattended && wanted.shares === 0 && wanted.threshold === 0) return undefined;
  const fault = sharingFault(wanted);
  if (fault === undefined) return wanted;
  throw new RequestError(
    'invalid_request',
    `invalid ${seal.unattended ? 'recovery' : 'seal'} configuration: ${fault}`,
  );
}
