/** Logs in, keeps the token alive, and logs in again when it cannot be kept: for as long as the agent runs. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import type { AgentMethod } from './methods.ts';

export interface HeldToken {
  readonly token: string;
  /** 0: it never ends. */
  readonly ttlSeconds: number;
  readonly renewable: boolean;
}

export interface KeeperOptions {
  /** Without a token. */
  readonly client: Client;
  /** For the login itself, which may have a namespace of its own. */
  readonly loginClient: Client;
  readonly method: AgentMethod;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly exitOnError: boolean;
  /** Called with every new token, before anything else is done with it. */
  readonly arrived: (token: HeldToken) => void;
}

/** Renewing begins when this part of a token's life is over. */
const RENEW_AT = 2 / 3;
/** A token that cannot be renewed is replaced when this part is over. */
const REPLACE_AT = 0.9;
/** A renewal that moves the end by less than this part of the life has met the token's maximum. */
const GAIN_MIN = 0.1;
/** Shortest time between two renewals. */
const STEP_MS_MIN = 1000;

export class TokenKeeper {
  readonly #options: KeeperOptions;
  readonly #stop = new AbortController();
  #doubt: (() => void) | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Resolves after {@link stop}. @throws whatever a login throws, where that is to end the agent */
  async run(): Promise<void> {
    const { log, exitOnError, minBackoffMs, maxBackoffMs } = this.#options;
    let backoffMs = minBackoffMs;
    while (!this.#stop.signal.aborted) {
      try {
        const held = await this.#login();
        backoffMs = minBackoffMs;
        log.info('logged in', { ttl_seconds: held.ttlSeconds, renewable: held.renewable });
        await this.#keep(held);
      } catch (cause) {
        const error = cause instanceof Error ? cause.message : 'unknown error';
        if (exitOnError) throw cause;
        log.error('login failed', { error, again_in_ms: Math.round(backoffMs) });
        await this.#pause(backoffMs * (0.75 + this.#chance() / 4));
        backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
      }
    }
  }

  stop(): void {
    this.#stop.abort();
    this.#doubt?.();
  }

  /** Something was refused with the token: it is looked at now instead of in time. */
  doubt(): void {
    this.#doubt?.();
  }

  async #login(): Promise<HeldToken> {
    const { client, loginClient, method, arrived } = this.#options;
    const credentials = await method.credentials(loginClient);
    if ('token' in credentials) {
      const held = await lookedUp(client.with({ token: credentials.token }));
      arrived(held);
      return held;
    }
    const { path, body, client: own } = credentials;
    const secret = await (own ?? loginClient).write(path, body);
    const auth = secret?.auth;
    if (auth === undefined || auth.clientToken === '') {
      throw new Error(
        auth?.mfaRequirement === undefined
          ? 'the login gave no token'
          : 'the login demands a second factor, which an agent has not',
      );
    }
    await method.accepted();
    const held: HeldToken = {
      token: auth.clientToken,
      ttlSeconds: auth.leaseDurationSeconds,
      renewable: auth.renewable,
    };
    arrived(held);
    return held;
  }

  /** Resolves when a new login is due. */
  async #keep(held: HeldToken): Promise<void> {
    const { clock, log } = this.#options;
    const client = this.#options.client.with({ token: held.token });
    let { renewable } = held;
    let endMs = clock.monotonicMs() + held.ttlSeconds * 1000;
    while (!this.#stop.signal.aborted) {
      const leftMs = endMs - clock.monotonicMs();
      const waitMs =
        held.ttlSeconds === 0 ? Infinity : leftMs * (renewable ? RENEW_AT : REPLACE_AT);
      const doubted = await this.#pause(Math.max(waitMs, STEP_MS_MIN));
      if (this.#stop.signal.aborted) return;
      try {
        if (doubted) await lookedUp(client);
        else if (!renewable) return;
        else {
          const answer = await client.write('auth/token/renew-self', {});
          const ttlSeconds = answer?.auth?.leaseDurationSeconds ?? 0;
          const end = clock.monotonicMs() + ttlSeconds * 1000;
          renewable = end - endMs > ttlSeconds * 1000 * GAIN_MIN;
          endMs = Math.max(end, endMs);
          log.debug('token renewed', { ttl_seconds: ttlSeconds });
        }
      } catch (cause) {
        const refused = cause instanceof ApiError && cause.status >= 400 && cause.status < 500;
        const error = cause instanceof Error ? cause.message : 'unknown error';
        log.warn('the token could not be renewed', { error });
        if (refused || endMs - clock.monotonicMs() < STEP_MS_MIN) return;
      }
    }
  }

  /** True when it ended early because of doubt. */
  #pause(delayMs: number): Promise<boolean> {
    if (this.#stop.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (early: boolean) => (): void => {
        cancel();
        this.#doubt = undefined;
        resolve(early);
      };
      const cancel = Number.isFinite(delayMs)
        ? this.#options.clock.after(delayMs, end(false))
        : () => {};
      this.#doubt = end(true);
    });
  }

  #chance(): number {
    return this.#options.random.bytes(1).readUInt8() / 255;
  }
}

async function lookedUp(client: Client): Promise<HeldToken> {
  const secret = await client.read('auth/token/lookup-self');
  const ttl = secret?.data?.['ttl'];
  return {
    token: client.token,
    ttlSeconds: typeof ttl === 'number' ? ttl : 0,
    renewable: secret?.data?.['renewable'] === true,
  };
}
