/** What clients do: one thing after the other, at any server, and what they are told goes into the ledger. */
import type { Answer } from '../../src/core/call.ts';
import type { Register } from '../replicas/linearizable.ts';
import { UNWRITTEN } from '../replicas/linearizable.ts';
import type { Chance } from './world/chance.ts';
import type { Cluster, Told } from './cluster.ts';
import { GUARDED, GUARD_TOKEN, NOTHING_TOKEN, ROOT_TOKEN, guardPolicy } from './image.ts';
import type { KnownLease, KnownToken, Ledger } from './ledger.ts';
import type { Question } from './server.ts';

const KEYS = 2;

export class Clients {
  readonly #cluster: Cluster;
  readonly #ledger: Ledger;
  readonly #chance: Chance;
  readonly #policies: boolean;
  #values = 1;
  #policyTurn: Promise<void> = Promise.resolve();
  asked = 0;

  constructor(cluster: Cluster, ledger: Ledger, chance: Chance, policies: boolean) {
    this.#policies = policies;
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#chance = chance;
  }

  /** Does `count` things, with pauses. */
  async work(count: number, pauseMs: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      await this.#cluster.scheduler.sleep(this.#chance.delayMs(pauseMs), 'client goes on');
      await this.#one();
    }
  }

  async #one(): Promise<void> {
    if (this.#policies && this.#chance.happens(0.7)) {
      return this.#chance.happens(0.4) ? await this.#changePolicy() : await this.#readGuarded();
    }
    const which = this.#chance.unit() * 100;
    if (which < 18) return await this.#write();
    if (which < 32) return await this.#read();
    if (which < 40) return await this.#compareAndSet();
    if (which < 50) return await this.#makeToken();
    if (which < 60) return await this.#useToken();
    if (which < 67) return await this.#revokeToken();
    if (which < 73) return await this.#changePolicy();
    if (which < 80) return await this.#readGuarded();
    if (which < 82) return await this.#forbidden();
    if (which < 91) return await this.#lend();
    if (which < 94) return await this.#giveBack();
    if (which < 95) return await this.#renew();
    if (which < 97) return await this.#rotate();
    return await this.#wrap();
  }

  async #ask(question: Question): Promise<Told> {
    this.asked += 1;
    return await this.#cluster.ask(question);
  }

  #key(): string {
    return `secret/data/shared/${this.#chance.between(1, KEYS)}`;
  }

  async #write(): Promise<void> {
    const path = this.#key();
    const value = this.#values++;
    const told = await this.#ask({
      operation: 'write',
      path,
      token: ROOT_TOKEN,
      data: { data: { v: value } },
    });
    const version = versionOf(told.answer);
    const answerMs = version === undefined ? Number.POSITIVE_INFINITY : told.answeredMs;
    this.#ledger.note(path, {
      action: { kind: 'write', value, version },
      callMs: told.sentMs,
      answerMs,
    });
  }

  async #read(): Promise<void> {
    const path = this.#key();
    const told = await this.#ask({ operation: 'read', path, token: ROOT_TOKEN });
    const saw = registerOf(told.answer);
    if (saw === undefined) return;
    this.#ledger.note(path, {
      action: { kind: 'read', saw },
      callMs: told.sentMs,
      answerMs: told.answeredMs,
    });
  }

  async #compareAndSet(): Promise<void> {
    const path = this.#key();
    const known = await this.#ask({ operation: 'read', path, token: ROOT_TOKEN });
    const expected = registerOf(known.answer)?.version;
    if (expected === undefined) return;
    const value = this.#values++;
    const data = { data: { v: value }, options: { cas: expected } };
    const { answer, sentMs, answeredMs } = await this.#ask({
      operation: 'write',
      path,
      token: ROOT_TOKEN,
      data,
    });
    const refused = answer?.error?.code === 'invalid_request';
    const outcome = versionOf(answer) !== undefined ? 'done' : refused ? 'refused' : 'unknown';
    const answerMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : answeredMs;
    this.#ledger.note(path, {
      action: { kind: 'compare-and-set', value, expected, outcome },
      callMs: sentMs,
      answerMs,
    });
  }

  async #makeToken(): Promise<void> {
    const parent = this.#chance.happens(0.3) ? this.#someToken() : undefined;
    const ttlSeconds = this.#chance.pick([0, 4, 30]);
    const usesMax = this.#chance.pick([0, 0, 0, 2]);
    const data = {
      policies: ['app'],
      no_default_policy: true,
      ...(ttlSeconds > 0 ? { ttl: `${ttlSeconds}s` } : {}),
      num_uses: usesMax,
    };
    const told = await this.#ask({
      operation: 'write',
      path: 'auth/token/create',
      token: parent?.token ?? ROOT_TOKEN,
      data,
    });
    if (parent !== undefined) this.#judge(parent, told);
    const token = told.answer?.auth?.clientToken;
    if (token === undefined) return;
    this.#ledger.addToken({
      token,
      parent,
      madeMs: told.sentMs,
      toldMs: told.answeredMs,
      ttlMs: ttlSeconds * 1000,
      usesMax,
    });
  }

  #someToken(): KnownToken | undefined {
    const { tokens } = this.#ledger;
    return tokens.length === 0 ? undefined : this.#chance.pick(tokens);
  }

  async #useToken(): Promise<void> {
    const known = this.#someToken();
    if (known === undefined) return;
    this.#judge(
      known,
      await this.#ask({ operation: 'read', path: this.#key(), token: known.token }),
    );
  }

  #judge(known: KnownToken, { answer, sentMs, answeredMs }: Told): void {
    const code = answer?.error?.code;
    if (answer === undefined) return;
    if (code === undefined || code === 'not_found')
      this.#ledger.judgeToken(known, true, sentMs, answeredMs);
    else if (code === 'permission_denied')
      this.#ledger.judgeToken(known, false, sentMs, answeredMs);
  }

  async #revokeToken(): Promise<void> {
    const known = this.#someToken();
    if (known === undefined) return;
    known.revokingMs = Math.min(known.revokingMs, this.#cluster.scheduler.nowMs);
    const { answer, answeredMs } = await this.#ask({
      operation: 'write',
      path: 'auth/token/revoke',
      token: ROOT_TOKEN,
      data: { token: known.token },
    });
    if (answer !== undefined && answer.error === undefined)
      known.revokedMs = Math.min(known.revokedMs, answeredMs);
  }

  async #changePolicy(): Promise<void> {
    const before = this.#policyTurn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#policyTurn = promise;
    await before;
    const allowed = this.#chance.happens(0.5);
    const change = this.#ledger.changePolicy(allowed, this.#cluster.scheduler.nowMs);
    const told = await this.#ask({
      operation: 'write',
      path: 'sys/policies/acl/guard',
      token: ROOT_TOKEN,
      data: { policy: guardPolicy(allowed) },
    });
    change.overMs = told.overMs;
    if (told.answer !== undefined && told.answer.error === undefined)
      change.toldMs = told.answeredMs;
    resolve();
  }

  async #readGuarded(): Promise<void> {
    const { answer, sentMs, answeredMs } = await this.#ask({
      operation: 'read',
      path: GUARDED,
      token: GUARD_TOKEN,
    });
    if (answer === undefined) return;
    const code = answer.error?.code;
    if (code === undefined || code === 'permission_denied') {
      this.#ledger.judgePolicy(code === undefined, sentMs, answeredMs);
    }
  }

  /** What is denied must not happen. */
  async #forbidden(): Promise<void> {
    const data = { data: { v: this.#values++ } };
    const { answer } = await this.#ask({
      operation: 'write',
      path: 'secret/data/forbidden',
      token: NOTHING_TOKEN,
      data,
    });
    if (answer !== undefined && answer.error === undefined)
      this.#ledger.problems.push('a write was allowed that is not');
  }

  async #lend(): Promise<void> {
    const by = this.#chance.happens(0.4) ? this.#someToken() : undefined;
    const told = await this.#ask({
      operation: 'read',
      path: 'accounts/creds/app',
      token: by?.token ?? ROOT_TOKEN,
    });
    if (by !== undefined) this.#judge(by, told);
    const { lease, reply } = told.answer ?? {};
    if (lease === undefined) return;
    const { username, password } = { ...reply?.data };
    this.#ledger.leases.push({
      id: lease.id,
      username: String(username),
      password: String(password),
      token: by,
    });
  }

  async #giveBack(): Promise<void> {
    const lease = this.#someLease();
    if (lease === undefined) return;
    const { answer } = await this.#ask({
      operation: 'write',
      path: 'sys/leases/revoke',
      token: ROOT_TOKEN,
      data: { lease_id: lease.id, sync: true },
    });
    if (answer === undefined || answer.error !== undefined) return;
    if (this.#cluster.target.accounts.has(lease.username)) {
      this.#ledger.problems.push('a lease was revoked at once and its account is still there');
    }
  }

  async #renew(): Promise<void> {
    const lease = this.#someLease();
    if (lease === undefined) return;
    await this.#ask({
      operation: 'write',
      path: 'sys/leases/renew',
      token: ROOT_TOKEN,
      data: { lease_id: lease.id },
    });
  }

  #someLease(): KnownLease | undefined {
    const { leases } = this.#ledger;
    return leases.length === 0 ? undefined : this.#chance.pick(leases);
  }

  async #rotate(): Promise<void> {
    const path = this.#chance.pick([
      'accounts/rotate-role/fixed',
      'accounts/rotate-root/main',
      'rotating/rotation/now/app',
    ]);
    await this.#ask({ operation: 'write', path, token: ROOT_TOKEN });
  }

  /** A wrapped answer is opened once. */
  async #wrap(): Promise<void> {
    const { answer } = await this.#ask({
      operation: 'read',
      path: GUARDED,
      token: ROOT_TOKEN,
      wrapTtlSeconds: 60,
    });
    const token = answer?.wrap?.token;
    if (token === undefined) return;
    const open = async (): Promise<boolean> => {
      const told = await this.#ask({ operation: 'write', path: 'sys/wrapping/unwrap', token });
      return told.answer !== undefined && told.answer.error === undefined;
    };
    const opened = await Promise.all([open(), open()]);
    if (opened.every(Boolean)) this.#ledger.problems.push('a wrapped answer was opened twice');
  }
}

function versionOf(answer: Answer | undefined): number | undefined {
  const version = answer?.error === undefined ? answer?.reply?.data?.['version'] : undefined;
  return typeof version === 'number' ? version : undefined;
}

export function registerOf(answer: Answer | undefined): Register | undefined {
  if (answer?.error?.code === 'not_found') return UNWRITTEN;
  if (answer === undefined || answer.error !== undefined) return undefined;
  const { data, metadata } = answer.reply?.data ?? {};
  const { v } = data as { v: number };
  const { version } = metadata as { version: number };
  return { version, value: v };
}
