/**
 * Keeps answers that came with a lease, so that a program that starts often does not make an account each time. An answer is
 * given again only to the very same request with the same token, and no longer than half of its lease is over.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { parseSecret, type Secret } from '../../client/secret.ts';
import type { WireAnswer } from '../../client/transport.ts';

export interface CacheOptions {
  readonly clock: Clock;
  readonly random: Random;
}

interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

interface Heard {
  readonly key: string | undefined;
  readonly method: string;
  /** Of the request, without its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  readonly answer: WireAnswer;
}

interface Kept {
  readonly answer: WireAnswer;
  readonly leaseId: string;
  /** Stands for the token of the request. */
  readonly owner: string;
  readonly untilMs: number;
}

/** Most answers kept; the oldest goes first. */
const KEPT_MAX = 1000;
/** Largest answer kept. */
const ANSWER_BYTES_MAX = 256 * 1024;
/** What a program gets from here still lasts as long as it has been kept. */
const KEEP_PART = 0.5;

/** Headers that change what is answered. */
const TELLING = [
  'x-vault-token',
  'authorization',
  'x-vault-namespace',
  'x-vault-mfa',
  'x-vault-policy-override',
] as const;

export class LeaseCache {
  readonly #clock: Clock;
  /** Tokens and bodies are told apart by what this makes of them, so that none is kept as it is. */
  readonly #secret: Buffer;
  readonly #kept = new Map<string, Kept>();

  constructor({ clock, random }: CacheOptions) {
    this.#clock = clock;
    this.#secret = random.bytes(32);
  }

  /** Undefined for requests whose answers are never kept: those without a token, wrapped ones, and what is about the server. */
  keyOf({ method, target, headers, body }: Request): string | undefined {
    if (method !== 'GET' && method !== 'PUT' && method !== 'POST') return undefined;
    if ((headers['x-vault-wrap-ttl'] ?? '') !== '' || target.startsWith('/v1/sys/'))
      return undefined;
    const token = headers['x-vault-token'] ?? headers['authorization'] ?? '';
    if (token === '' || target.startsWith('/v1/auth/')) return undefined;
    const telling = TELLING.map((name) => headers[name] ?? '');
    return this.#hash(JSON.stringify([method, target, telling, body?.toString('base64') ?? '']));
  }

  find(key: string): WireAnswer | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.untilMs > this.#clock.monotonicMs()) return kept?.answer;
    this.#kept.delete(key);
    return undefined;
  }

  /** Keeps what may be kept, and forgets what the request has ended. */
  heard({ key, method, path, headers, body, answer }: Heard): void {
    if (answer.status < 200 || answer.status >= 300) return;
    if (method !== 'GET' && this.#ends(path, headers, body)) return;
    if (key === undefined || answer.status !== 200 || answer.body.length > ANSWER_BYTES_MAX) return;
    const secret = readSecret(answer.body);
    if (secret === undefined || secret.leaseId === '' || secret.leaseDurationSeconds <= 0) return;
    const oldest = this.#kept.size >= KEPT_MAX ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, {
      answer,
      leaseId: secret.leaseId,
      owner: this.#ownerOf(headers),
      untilMs: this.#clock.monotonicMs() + secret.leaseDurationSeconds * 1000 * KEEP_PART,
    });
  }

  clear(): void {
    this.#kept.clear();
  }

  /** True when the request revokes something; what might be meant is forgotten. */
  #ends(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer | undefined,
  ): boolean {
    if (/^\/v1\/(?:.+\/)?auth\/token\/revoke-self$/.test(path)) {
      this.#drop((kept) => kept.owner === this.#ownerOf(headers));
      return true;
    }
    if (/^\/v1\/(?:.+\/)?auth\/token\/revoke/.test(path)) {
      // Whose it is stands in the body, perhaps as an accessor, and its children end with it.
      this.clear();
      return true;
    }
    if (!/^\/v1\/(?:.+\/)?sys\/(?:leases\/)?revoke/.test(path)) return false;
    const text = `${decoded(path)}\n${body?.toString('utf8') ?? ''}`;
    if (/revoke-(?:prefix|force)/.test(path)) this.clear();
    else this.#drop((kept) => text.includes(kept.leaseId));
    return true;
  }

  #drop(isMeant: (kept: Kept) => boolean): void {
    for (const [key, kept] of this.#kept) if (isMeant(kept)) this.#kept.delete(key);
  }

  #ownerOf(headers: Readonly<Record<string, string>>): string {
    return this.#hash(headers['x-vault-token'] ?? headers['authorization'] ?? '');
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64');
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function readSecret(body: Buffer): Secret | undefined {
  try {
    return parseSecret(body);
  } catch {
    return undefined;
  }
}
