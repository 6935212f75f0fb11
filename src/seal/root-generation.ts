/** Making a root token when none is left: a quorum of key holders authorizes it, a one-time password hides it on its way. */
import { base62, uuid } from '../base/random.ts';
import { ownCopy, wipe } from '../crypto/secret-bytes.ts';
import { invalidRequest } from '../model/errors.ts';
import {
  ATTEMPT_IDLE_MS_MAX,
  type SealState,
  Turns,
  assertQuorum,
  pgpUnsupported,
} from './seal-state.ts';
import { ShareCollector } from './shares.ts';

/** Characters of a root token, and so of its one-time password: `s.` and 24. */
export const ROOT_TOKEN_LENGTH: number = 26;

/** What `sys/generate-root/attempt` and `…/update` tell. */
export interface RootGenerationStatus {
  readonly nonce: string;
  readonly started: boolean;
  readonly progress: number;
  readonly required: number;
  readonly complete: boolean;
  /** Base64 without padding of token XOR one-time password; empty until complete. */
  readonly encodedToken: string;
  /** Only in the answer to the start, and only if it was made here. */
  readonly otp: string;
  readonly otpLength: number;
}

interface Attempt {
  readonly nonce: string;
  readonly otp: Buffer;
  lastMs: number;
}

export class RootGeneration {
  readonly #state: SealState;
  readonly #collector: ShareCollector;
  readonly #turns = new Turns();
  #attempt: Attempt | undefined;

  constructor(state: SealState) {
    this.#state = state;
    this.#collector = new ShareCollector(state.world.random);
  }

  async status(otp = ''): Promise<RootGenerationStatus> {
    const { config } = await this.#state.open();
    const attempt = this.#current();
    return {
      nonce: attempt?.nonce ?? '',
      started: attempt !== undefined,
      progress: this.#collector.count,
      required: config.sharing?.threshold ?? 0,
      complete: false,
      encodedToken: '',
      otp,
      otpLength: ROOT_TOKEN_LENGTH,
    };
  }

  /**
   * Starts an attempt; without `otp` one is made and told in the answer, once.
   * @throws {RequestError} `invalid_request`
   */
  start(request: {
    readonly otp?: string;
    readonly pgpKey?: string;
  }): Promise<RootGenerationStatus> {
    return this.#turns.take(async () => {
      assertQuorum(await this.#state.open());
      const { random, clock } = this.#state.world;
      if ((request.pgpKey ?? '') !== '') throw pgpUnsupported('pgp_key');
      const given = request.otp ?? '';
      if (given !== '' && Buffer.byteLength(given) !== ROOT_TOKEN_LENGTH) {
        throw invalidRequest('OTP string is wrong length');
      }
      if (this.#current() !== undefined)
        throw invalidRequest('root generation already in progress');
      const otp = given === '' ? base62(random, ROOT_TOKEN_LENGTH) : given;
      this.#attempt = {
        nonce: uuid(random),
        otp: ownCopy(Buffer.from(otp)),
        lastMs: clock.monotonicMs(),
      };
      return this.status(given === '' ? otp : '');
    });
  }

  /**
   * Gives one share. When the quorum is complete, `makeToken` makes the token, and the attempt ends.
   * @param share wiped here; see `parseShare`.
   * @throws {RequestError} `invalid_request`; after wrong shares the attempt goes on with none.
   */
  update(
    share: Buffer,
    nonce: string,
    makeToken: () => Promise<string>,
  ): Promise<RootGenerationStatus> {
    return this.#turns.take(async () => {
      try {
        const stored = await this.#state.open();
        const attempt = this.#current();
        if (attempt === undefined) throw invalidRequest('no root generation in progress');
        if (nonce !== attempt.nonce) {
          throw invalidRequest(
            `incorrect nonce supplied; nonce for this root generation operation is "${attempt.nonce}"`,
          );
        }
        if (!this.#collector.add(ownCopy(share))) {
          throw invalidRequest(
            'given key has already been provided during this generation operation',
          );
        }
        attempt.lastMs = this.#state.world.clock.monotonicMs();
        const progress = this.#collector.count;
        const required = stored.config.sharing?.threshold ?? 0;
        const answer = { nonce, started: true, progress, required, otp: '', otpLength: 0 };
        if (progress < required) {
          return { ...answer, complete: false, encodedToken: '' };
        }
        await this.#state.authorize(this.#collector, stored);
        const encodedToken = encodeToken(await makeToken(), attempt.otp);
        this.end();
        return { ...answer, complete: true, encodedToken };
      } finally {
        wipe(share);
      }
    });
  }

  /** Ends the attempt, if there is one. @throws {RequestError} `sealed`; `invalid_request` when another nonce is given. */
  async cancel(nonce?: string): Promise<void> {
    await this.#state.open();
    const attempt = this.#current();
    if (attempt !== undefined && nonce !== undefined && nonce !== attempt.nonce) {
      throw invalidRequest('incorrect nonce supplied');
    }
    this.end();
  }

  end(): void {
    this.#collector.reset();
    if (this.#attempt !== undefined) wipe(this.#attempt.otp);
    this.#attempt = undefined;
  }

  #current(): Attempt | undefined {
    const attempt = this.#attempt;
    if (attempt === undefined) return undefined;
    if (this.#state.world.clock.monotonicMs() - attempt.lastMs > ATTEMPT_IDLE_MS_MAX) this.end();
    return this.#attempt;
  }
}

function encodeToken(token: string, otp: Buffer): string {
  const bytes = Buffer.from(token);
  if (bytes.length !== otp.length) throw new Error('token and one-time password differ in length');
  bytes.forEach((byte, index) => (bytes[index] = byte ^ (otp[index] ?? 0)));
  return bytes.toString('base64').replaceAll('=', '');
}
