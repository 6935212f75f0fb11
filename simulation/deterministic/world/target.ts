/**
 * A database whose accounts the server manages, as a member of `targets/`: calls are refused, fail before or after their effect, or are so
 * slow that they take effect when their caller has long given up.
 */
import { STATEMENT_MS_MAX, TargetError } from '../../../src/targets/database.ts';
import type { Database, DatabaseMember } from '../../../src/targets/database.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Chance } from './chance.ts';
import type { Machine } from './machine.ts';
import type { Scheduler } from './scheduler.ts';

const CALL_MS = 5;
/** An effect comes no later than this after its call: the product counts on it (`SETTLED_MS`). */
const EFFECT_MS_MAX = 30_000;

interface Act<T> {
  readonly verb: string;
  readonly username: string;
  readonly effect: () => T;
}

export const KEEPER = 'keeper';
export const KEEPER_PASSWORD = 'keeper-password';

export class Target {
  readonly #scheduler: Scheduler;
  readonly chance: Chance;
  /** Passwords by name. */
  readonly accounts: Map<string, string>;
  /** Probabilities per call. */
  refusing = 0;
  failing = 0;
  slow = 0;
  /**
   * Until when an account that is there is locked by an act under way: the next waits for it, as a database's row or metadata locks
   * have it. An account that is still being made is not there yet for others.
   */
  readonly #lockedUntilMs = new Map<string, number>();
  /** Effects that are still to come. */
  underWay = 0;
  calls = 0;

  constructor(scheduler: Scheduler, chance: Chance, accounts: ReadonlyMap<string, string>) {
    this.#scheduler = scheduler;
    this.chance = chance;
    this.accounts = new Map(accounts);
  }

  /** As one server process sees it. */
  seenBy(machine: Machine): DatabaseMember {
    const open = (settings: JsonObject): Database => {
      const act = <T>(verb: string, name: string, effect: () => T): Promise<T> =>
        this.#act(machine, {
          verb,
          username: name,
          effect: () => {
            const { username, password } = settings;
            if (this.accounts.get(username as string) !== password) {
              throw new TargetError('login refused', { mayHaveChanged: false });
            }
            return effect();
          },
        });
      const none = async (): Promise<void> => {};
      const set: Database['change'] = (username, credential) =>
        act('change', username, () => {
          if (!this.accounts.has(username)) {
            throw new TargetError('no such account', { mayHaveChanged: false });
          }
          this.accounts.set(username, passwordOf(credential));
        });
      return {
        verify: none,
        create: ({ username, credential }) =>
          act('create', username, () => void this.accounts.set(username, passwordOf(credential))),
        change: set,
        extend: (username) => act('extend', username, () => {}),
        drop: (username) => act('drop', username, () => void this.accounts.delete(username)),
        exists: (username) => act('exists', username, () => this.accounts.has(username)),
        // Tried by a login of its own.
        accepts: (username, password) =>
          this.#act(machine, {
            verb: 'accepts',
            username,
            effect: () => this.accounts.get(username) === password,
          }),
        close: none,
      };
    };
    return {
      names: ['simulated'],
      defaultUsernameTemplate: '{{printf "v-%s-%s" .RoleName (random 20)}}',
      credentials: ['password'],
      needsCreationStatements: false,
      open,
    };
  }

  /** From the call to its effect; undefined when it has waited for others for so long that the database gives it up. */
  #untilEffectMs(verb: string, username: string): number | undefined {
    const { chance } = this;
    const ownMs = chance.happens(this.slow)
      ? chance.unit() * EFFECT_MS_MAX
      : chance.delayMs(CALL_MS);
    if ((verb !== 'change' && verb !== 'drop') || !this.accounts.has(username)) return ownMs;
    const { nowMs } = this.#scheduler;
    const startMs = Math.max(this.#lockedUntilMs.get(username) ?? 0, nowMs);
    const effectMs = startMs + ownMs - nowMs;
    if (effectMs > EFFECT_MS_MAX) return undefined;
    this.#lockedUntilMs.set(username, startMs + ownMs);
    return effectMs;
  }

  #act<T>(machine: Machine, { verb, username, effect }: Act<T>): Promise<T> {
    if (!machine.leave()) return new Promise(() => {});
    this.calls += 1;
    const what = `${verb} ${username}`;
    const { chance } = this;
    const scheduler = this.#scheduler;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (mayHaveChanged: boolean): void =>
      reject(new TargetError('the target failed', { mayHaveChanged }));
    if (chance.happens(this.refusing)) {
      machine.later(chance.delayMs(CALL_MS), `target refuses ${what}`, () => fail(false));
      return promise;
    }
    const stopWaiting = machine.later(STATEMENT_MS_MAX, 'target is late', () => fail(true));
    const failing = chance.happens(this.failing);
    const effectMs = this.#untilEffectMs(verb, username);
    const lost = failing || effectMs === undefined;
    const answerLost = !lost && chance.happens(this.failing);
    this.underWay += 1;
    scheduler.in(effectMs ?? EFFECT_MS_MAX, `target: ${what}`, () => {
      this.underWay -= 1;
      const answer = (settle: () => void): void => {
        machine.later(chance.delayMs(CALL_MS), 'target answers', () => {
          stopWaiting();
          settle();
        });
      };
      if (lost) return answer(() => fail(true));
      try {
        const result = effect();
        answer(() => (answerLost ? fail(true) : resolve(result)));
      } catch (error) {
        answer(() => reject(error));
      }
    });
    return promise;
  }
}

function passwordOf(credential: Parameters<Database['change']>[1]): string {
  return credential.kind === 'password' ? credential.password : '';
}
