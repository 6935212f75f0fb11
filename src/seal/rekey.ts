/**
 * Rekeying: a quorum of today's key holders replaces the shares. For a Shamir seal unseal key and root key are new, for an
 * unattended one the root key alone; the recovery key has a rekey of its own.
 */
import { uuid } from '../base/random.ts';
import { equalConstantTime, ownCopy, wipe } from '../crypto/secret-bytes.ts';
import { invalidRequest } from '../model/errors.ts';
import { quorumRecord } from './quorum-record.ts';
import { SEAL_KEY_BYTES, type Sharing } from './seal.ts';
import {
  ATTEMPT_IDLE_MS_MAX,
  type SealState,
  Turns,
  assertQuorum,
  pgpUnsupported,
} from './seal-state.ts';
import { type SealedRoot, sealConfigRecord, sealRecords } from './sealed-root.ts';
import { ShareCollector, generateShares, sharingFault } from './shares.ts';

export interface RekeyRequest {
  readonly sharing: Sharing;
  readonly pgpKeys?: readonly string[];
  readonly backup?: boolean;
  /** The new shares take effect only when a threshold of them has been given back. */
  readonly requireVerification?: boolean;
}

/** What `sys/rekey/init` tells. */
export interface RekeyStatus {
  readonly nonce: string;
  readonly started: boolean;
  /** Of the new key; 0 when nothing is under way. */
  readonly t: number;
  readonly n: number;
  readonly progress: number;
  /** Shares of today's key that authorize it. */
  readonly required: number;
  readonly verificationRequired: boolean;
  /** Set while the new shares wait to be given back. */
  readonly verificationNonce: string;
}

/** What the last `sys/rekey/update` tells. Shares for the caller to hand out and wipe. */
export interface RekeyResult {
  readonly nonce: string;
  readonly shares: readonly Buffer[];
  readonly verificationRequired: boolean;
  readonly verificationNonce: string;
}

/** What `sys/rekey/verify` tells. */
export interface VerificationStatus {
  readonly nonce: string;
  readonly started: boolean;
  readonly t: number;
  readonly n: number;
  readonly progress: number;
}

interface Attempt {
  readonly nonce: string;
  readonly sharing: Sharing;
  readonly requireVerification: boolean;
  lastMs: number;
  /** The new key, which waits for its shares to be given back. */
  pending?: { readonly key: Buffer; readonly given: ShareCollector };
}

export class Rekey {
  readonly #state: SealState;
  readonly #target: 'barrier' | 'recovery';
  readonly #collector: ShareCollector;
  readonly #turns = new Turns();
  #attempt: Attempt | undefined;

  constructor(state: SealState, target: 'barrier' | 'recovery') {
    this.#state = state;
    this.#target = target;
    this.#collector = new ShareCollector(state.world.random);
  }

  /** @throws {RequestError} `sealed`; `invalid_request` when the seal has no recovery keys. */
  async status(): Promise<RekeyStatus> {
    const { config } = await this.#open();
    const attempt = this.#current();
    return {
      nonce: attempt?.nonce ?? '',
      started: attempt !== undefined,
      t: attempt?.sharing.threshold ?? 0,
      n: attempt?.sharing.shares ?? 0,
      progress: this.#collector.count,
      required: config.sharing?.threshold ?? 0,
      verificationRequired: attempt?.requireVerification ?? false,
      verificationNonce: attempt?.pending?.given.nonce ?? '',
    };
  }

  /** @throws {RequestError} `invalid_request` */
  start(request: RekeyRequest): Promise<RekeyStatus> {
    return this.#turns.take(async () => {
      assertQuorum(await this.#open());
      const { clock, random } = this.#state.world;
      if ((request.pgpKeys?.length ?? 0) > 0) throw pgpUnsupported('pgp_keys');
      if (request.backup === true) {
        throw invalidRequest(
          'cannot request a backup of the new keys without providing PGP keys for encryption',
        );
      }
      const rootAlone = this.#target === 'barrier' && this.#state.seal.unattended;
      const requireVerification = request.requireVerification === true;
      if (rootAlone && requireVerification) {
        throw invalidRequest(
          'requiring verification not supported when rekeying the barrier key with recovery keys',
        );
      }
      const sharing = rootAlone ? { shares: 1, threshold: 1 } : request.sharing;
      const fault = sharingFault(sharing);
      if (fault !== undefined) throw invalidRequest(`invalid rekey seal configuration: ${fault}`);
      if (this.#current() !== undefined) throw invalidRequest('rekey already in progress');
      this.#attempt = {
        nonce: uuid(random),
        sharing,
        requireVerification,
        lastMs: clock.monotonicMs(),
      };
      return this.status();
    });
  }

  /**
   * Gives one share of today's key.
   * @param share wiped here; see `parseShare`.
   * @returns the new shares when it was the last; else undefined, and {@link status} tells how far it is.
   * @throws {RequestError} `invalid_request`; after wrong shares the attempt goes on with none.
   */
  update(share: Buffer, nonce: string): Promise<RekeyResult | undefined> {
    return this.#withShare(share, async (held) => {
      const stored = await this.#open();
      const attempt = this.#current();
      if (attempt === undefined) throw invalidRequest(`no ${this.#target} rekey in progress`);
      if (attempt.pending !== undefined) {
        throw invalidRequest(
          'rekey operation already finished; verification must be performed; ' +
            `nonce for the verification operation is "${attempt.pending.given.nonce}"`,
        );
      }
      assertNonce(nonce, attempt.nonce, 'rekey');
      this.#add(this.#collector, held, attempt, 'generation');
      const required = stored.config.sharing?.threshold ?? 0;
      if (this.#collector.count < required) return undefined;
      await this.#state.authorize(this.#collector, stored);
      return this.#makeShares(attempt, stored);
    });
  }

  /** @throws {RequestError} `invalid_request` when no rekey is under way. */
  async verificationStatus(): Promise<VerificationStatus> {
    await this.#open();
    const attempt = this.#current();
    if (attempt === undefined) throw invalidRequest('no rekey configuration found');
    return {
      nonce: attempt.pending?.given.nonce ?? '',
      started: attempt.pending !== undefined,
      t: attempt.sharing.threshold,
      n: attempt.sharing.shares,
      progress: attempt.pending?.given.count ?? 0,
    };
  }

  /**
   * Gives one of the new shares back.
   * @returns the nonce of the verification when it is complete and the new key in force; else undefined.
   * @throws {RequestError} `invalid_request`; after wrong shares the verification starts again under a new nonce.
   */
  verify(share: Buffer, nonce: string): Promise<{ readonly nonce: string } | undefined> {
    return this.#withShare(share, async (held) => {
      const stored = await this.#open();
      const attempt = this.#current();
      if (attempt === undefined) throw invalidRequest('no rekey in progress');
      const { pending } = attempt;
      if (pending === undefined) throw invalidRequest('no rekey verification in progress');
      assertNonce(nonce, pending.given.nonce, 'verify');
      this.#add(pending.given, held, attempt, 'verify');
      if (pending.given.count < attempt.sharing.threshold) return undefined;
      const key = pending.given.combine();
      const right = key !== undefined && equalConstantTime(key, pending.key);
      if (key !== undefined) wipe(key);
      if (!right) {
        pending.given.begin();
        throw invalidRequest('rekey verification failed; incorrect key shares supplied');
      }
      await this.#apply(attempt.sharing, pending.key, stored);
      this.end();
      return { nonce };
    });
  }

  /** Forgets the new shares given back so far: those to come belong to a new nonce. */
  async restartVerification(): Promise<VerificationStatus> {
    this.#current()?.pending?.given.begin();
    return this.verificationStatus();
  }

  /** Ends the attempt, if there is one. @throws {RequestError} `sealed`; `invalid_request` when another nonce is given. */
  async cancel(nonce?: string): Promise<void> {
    await this.#open();
    const attempt = this.#current();
    if (attempt !== undefined && nonce !== undefined && nonce !== attempt.nonce) {
      throw invalidRequest('incorrect nonce supplied');
    }
    this.end();
  }

  end(): void {
    this.#collector.reset();
    const pending = this.#attempt?.pending;
    if (pending !== undefined) {
      wipe(pending.key);
      pending.given.reset();
    }
    this.#attempt = undefined;
  }

  /** Only a seal that opens by itself has recovery shares. */
  get supported(): boolean {
    return this.#target !== 'recovery' || this.#state.seal.unattended;
  }

  async #open(): Promise<SealedRoot> {
    if (!this.supported) {
      if (this.#state.barrier.sealed) await this.#state.open();
      throw invalidRequest('recovery rekeying not supported');
    }
    return this.#state.open();
  }

  #current(): Attempt | undefined {
    const attempt = this.#attempt;
    if (attempt === undefined) return undefined;
    if (this.#state.world.clock.monotonicMs() - attempt.lastMs > ATTEMPT_IDLE_MS_MAX) this.end();
    return this.#attempt;
  }

  #withShare<T>(share: Buffer, action: (held: Buffer) => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      try {
        return await action(share);
      } finally {
        wipe(share);
      }
    });
  }

  #add(collector: ShareCollector, share: Buffer, attempt: Attempt, operation: string): void {
    if (!collector.add(ownCopy(share))) {
      throw invalidRequest(
        `given key has already been provided during this ${operation} operation`,
      );
    }
    attempt.lastMs = this.#state.world.clock.monotonicMs();
  }

  async #makeShares(attempt: Attempt, stored: SealedRoot): Promise<RekeyResult> {
    const { random } = this.#state.world;
    const { nonce, sharing, requireVerification } = attempt;
    const { key, shares } = generateShares(sharing, random);
    try {
      if (requireVerification) {
        const given = new ShareCollector(random);
        given.begin();
        attempt.pending = { key: ownCopy(key), given };
        return { nonce, shares, verificationRequired: true, verificationNonce: given.nonce };
      }
      await this.#apply(sharing, key, stored);
    } catch (error) {
      for (const share of shares) wipe(share);
      throw error;
    } finally {
      wipe(key);
    }
    this.end();
    const rootAlone = this.#target === 'barrier' && this.#state.seal.unattended;
    if (rootAlone) for (const share of shares) wipe(share);
    return {
      nonce,
      shares: rootAlone ? [] : shares,
      verificationRequired: false,
      verificationNonce: '',
    };
  }

  /** Puts the new key in force, in one commit. */
  async #apply(sharing: Sharing, key: Buffer, stored: SealedRoot): Promise<void> {
    const { barrier, seal, world } = this.#state;
    const { type } = stored.config;
    if (this.#target === 'recovery') {
      await barrier.putOwn([sealConfigRecord({ type, sharing }), quorumRecord(key, true)]);
      return;
    }
    const rootKey = world.random.bytes(SEAL_KEY_BYTES);
    try {
      if (seal.unattended) {
        const wrapped = await seal.wrap(rootKey);
        await barrier.rekey(rootKey, sealRecords({ config: stored.config, wrapped }));
      } else {
        const wrapped = await seal.wrap(rootKey, key);
        const records = sealRecords({ config: { type, sharing }, wrapped });
        await barrier.rekey(rootKey, [...records, quorumRecord(key, false)]);
      }
    } finally {
      wipe(rootKey);
    }
  }
}

function assertNonce(given: string, expected: string, operation: string): void {
  if (given !== expected) {
    throw invalidRequest(
      `incorrect nonce supplied; nonce for this ${operation} operation is "${expected}"`,
    );
  }
}
