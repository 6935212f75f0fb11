/** What unsealing, rekeying and generating a root token share: the seal, what is stored of it, and who may act. */
import { hash } from 'node:crypto';
import type { World } from '../base/world.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { equalConstantTime, wipe } from '../crypto/secret-bytes.ts';
import { RequestError, invalidRequest } from '../model/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { type Seal, UnwrapError } from './seal.ts';
import { RECOVERY_KEY, type SealedRoot, readSealedRoot } from './sealed-root.ts';
import type { ShareCollector } from './shares.ts';

/** An attempt that nobody has carried on for this long is over, so that a forgotten one does not block the next. */
export const ATTEMPT_IDLE_MS_MAX: number = 60 * 60 * 1000;

export interface SealStateOptions {
  readonly barrier: Barrier;
  readonly storage: Storage;
  readonly seal: Seal;
  /** The seal that is being left, while its key still opens the store. */
  readonly sealBefore?: Seal | undefined;
  readonly world: World;
}

export class SealState {
  readonly barrier: Barrier;
  readonly seal: Seal;
  readonly world: World;
  readonly #sealBefore: Seal | undefined;
  readonly #storage: Storage;

  constructor(options: SealStateOptions) {
    this.barrier = options.barrier;
    this.seal = options.seal;
    this.#sealBefore = options.sealBefore;
    this.world = options.world;
    this.#storage = options.storage;
  }

  /** undefined = there is no cluster. */
  stored(): Promise<SealedRoot | undefined> {
    return readSealedRoot(this.#storage);
  }

  /** @throws {RequestError} there is no cluster, or it belongs to a seal of another type. */
  async present(): Promise<SealedRoot> {
    const stored = await this.stored();
    if (stored === undefined) throw invalidRequest('Vault is not initialized');
    if (this.leavingOf(stored) !== undefined) {
      throw invalidRequest('migrate option not provided and seal migration is pending');
    }
    if (stored.config.type !== this.seal.type) {
      throw invalidRequest(
        `the store is sealed by the seal type ${stored.config.type}, the configuration names ${this.seal.type}`,
      );
    }
    return stored;
  }

  /** The seal that the store is still under although the configuration has left it. */
  leavingOf(stored: SealedRoot): Seal | undefined {
    if (stored.config.type === this.seal.type) return undefined;
    return this.#sealBefore?.type === stored.config.type ? this.#sealBefore : undefined;
  }

  /** The same for what needs an open barrier. @throws {RequestError} `sealed` */
  async open(): Promise<SealedRoot> {
    if (this.barrier.sealed) throw new RequestError('sealed', 'Vault is sealed');
    return this.present();
  }

  /**
   * Joins the collected shares and checks that their holders are the quorum: with a Shamir seal the joined key opens the root
   * key, else it is the recovery key. Whatever comes of it, the shares are forgotten and it stays unsaid which was wrong.
   * @throws {RequestError} `invalid_request` when they are not.
   */
  async authorize(collector: ShareCollector, stored: SealedRoot): Promise<void> {
    const key = collector.combine();
    if (key === undefined) throw wrongShares();
    try {
      const proven = this.seal.unattended
        ? await this.#isRecoveryKey(key)
        : await this.#opensRoot(key, stored);
      if (!proven) throw wrongShares();
    } finally {
      wipe(key);
    }
  }

  async #isRecoveryKey(key: Buffer): Promise<boolean> {
    const expected = await this.barrier.getOwn(RECOVERY_KEY);
    return expected !== undefined && equalConstantTime(expected, hash('sha256', key, 'buffer'));
  }

  async #opensRoot(key: Buffer, stored: SealedRoot): Promise<boolean> {
    try {
      const rootKey = await this.seal.unwrap(stored.wrapped, key);
      const current = this.barrier.isRootKey(rootKey);
      wipe(rootKey);
      return current;
    } catch (error) {
      if (error instanceof UnwrapError) return false;
      throw error;
    }
  }
}

/** Runs actions one after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** @throws {RequestError} nobody holds a share that could authorize anything. */
export function assertQuorum({ config }: SealedRoot): void {
  if (config.sharing === undefined)
    throw invalidRequest('there are no recovery keys to authorize it');
}

export function wrongShares(): RequestError {
  return invalidRequest('invalid key: the given key shares do not prove the quorum');
}

/** Encrypting shares to PGP keys is Vault's option; here it is refused rather than ignored, which would hand them out in clear. */
export function pgpUnsupported(field: string): RequestError {
  return invalidRequest(
    `${field} is not supported: key shares and tokens cannot be encrypted to PGP keys`,
  );
}
