/**
 * The secrets that templates use: each is asked for once, whichever templates name it, kept alive by its lease, and asked for
 * anew when that ends.
 */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { isJsonObject, type JsonObject } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import { TemplateError } from '../template/lex.ts';
import type { Value } from '../template/values.ts';
import { certificateDue, dueOf, type Due } from './freshness.ts';
import { certificateValue, lifeOf, writtenCertificate } from './pki.ts';
import { secretValue } from './secret-value.ts';

export interface SourceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly staticIntervalMs: number;
  /** The secret behind `key` is another one now. */
  readonly changed: (key: string) => void;
  /** The server refused something: the token may be worth nothing any more. */
  readonly refused: () => void;
}

interface Held {
  value: Value;
  /** To tell whether a later answer differs. */
  content: string;
  cancel: () => void;
}

interface Fetched {
  readonly value: Value;
  readonly content: string;
  readonly due: Due;
  readonly leaseId: string;
}

/** Wait after a failed refresh; each further one doubles it. */
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;
/** Most secrets held at a time. */
const SECRETS_MAX = 10_000;

export class SecretSource {
  readonly #options: SourceOptions;
  #client: Client | undefined;
  readonly #held = new Map<string, Promise<Held>>();

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  /** A new token: leases of the one before end with it, so everything is asked for anew. */
  reset(client: Client): void {
    for (const held of this.#held.values())
      void held.then(
        ({ cancel }) => cancel(),
        () => {},
      );
    this.#held.clear();
    this.#client = client;
  }

  close(): void {
    for (const held of this.#held.values())
      void held.then(
        ({ cancel }) => cancel(),
        () => {},
      );
    this.#held.clear();
    this.#client = undefined;
  }

  /** Lets go of what no template has named lately. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const [key, held] of this.#held) {
      if (keys.has(key)) continue;
      this.#held.delete(key);
      void held.then(
        ({ cancel }) => cancel(),
        () => {},
      );
    }
  }

  /** `secret "path" "key=value"…`: a read, or with values a write. */
  secret(path: string, values: readonly string[]): { key: string; value: Promise<Value> } {
    return this.#get(JSON.stringify(['secret', path, ...values]), async (client) => {
      const secret = await ask(client, path, values);
      if (secret === undefined) throw new TemplateError(`no secret exists at ${path}`);
      const { staticIntervalMs } = this.#options;
      return {
        value: secretValue(secret),
        content: contentOf(secret),
        due: dueOf(secret, staticIntervalMs, this.#chance()),
        leaseId: secret.leaseId,
      };
    });
  }

  /** `secrets "path"`: the names below a path. */
  names(path: string): { key: string; value: Promise<Value> } {
    return this.#get(JSON.stringify(['secrets', path]), async (client) => {
      const secret = await client.list(await versionedPath(client, path, 'metadata'));
      const keys = secret?.data?.['keys'];
      const value = Array.isArray(keys) ? (keys as Value) : [];
      const inMs = this.#options.staticIntervalMs;
      return { value, content: JSON.stringify(value), due: { inMs, renew: false }, leaseId: '' };
    });
  }

  /** `pkiCert "pki/issue/role" "common_name=…"`; a certificate that `destination` still holds is used on. */
  certificate(
    path: string,
    values: readonly string[],
    destination: string | undefined,
  ): { key: string; value: Promise<Value> } {
    const key = JSON.stringify(['pkiCert', path, destination ?? '', ...values]);
    let first = true;
    return this.#get(key, async (client) => {
      const written =
        first && destination !== undefined ? writtenCertificate(destination) : undefined;
      first = false;
      if (written !== undefined) {
        const due = this.#certificateDue(written.certificate, false);
        if (due.inMs > RETRY_MS_MIN) return { ...certificateValue(written), due, leaseId: '' };
      }
      const secret = await client.write(path, bodyOf(values));
      const issued = certificateValue(secret?.data ?? {});
      const due = this.#certificateDue(issued.certificate, true);
      this.#options.log.debug('certificate issued', { path, due_in_ms: Math.round(due.inMs) });
      return { ...issued, due, leaseId: '' };
    });
  }

  #certificateDue(certificate: string, isFresh: boolean): Due {
    const { clock, log } = this.#options;
    const nowMs = clock.nowMs();
    const life = lifeOf(certificate);
    if (isFresh && (nowMs < life.fromMs || nowMs > life.untilMs)) {
      const at = new Date(nowMs).toISOString();
      log.warn('a new certificate is not valid at this time: the clock of this machine is wrong', {
        at,
      });
    }
    return certificateDue(nowMs, { ...life, isFresh }, this.#chance());
  }

  #get(
    key: string,
    fetch: (client: Client) => Promise<Fetched>,
  ): { key: string; value: Promise<Value> } {
    const client = this.#client;
    if (client === undefined) throw new Error('there is no token yet');
    let held = this.#held.get(key);
    if (held === undefined) {
      if (this.#held.size >= SECRETS_MAX)
        throw new TemplateError('templates name too many secrets');
      held = this.#hold(key, client, fetch);
      this.#held.set(key, held);
      // The next rendering asks again.
      held.catch(() => this.#held.delete(key));
    }
    return { key, value: held.then(({ value }) => value) };
  }

  async #hold(
    key: string,
    client: Client,
    fetch: (client: Client) => Promise<Fetched>,
  ): Promise<Held> {
    const first = await fetch(client);
    const held: Held = { value: first.value, content: first.content, cancel: () => {} };
    this.#arm(key, held, client, fetch, first);
    return held;
  }

  #arm(
    key: string,
    held: Held,
    client: Client,
    fetch: (client: Client) => Promise<Fetched>,
    { due, leaseId }: Fetched,
  ): void {
    const { clock, log, changed, refused } = this.#options;
    let endMs = clock.monotonicMs() + (due.renew ? due.inMs * 1.5 : due.inMs);
    let retryMs = RETRY_MS_MIN;
    const again = (inMs: number, renew: boolean): void => {
      held.cancel = clock.after(inMs, () => void act(renew));
    };
    const act = async (renew: boolean): Promise<void> => {
      try {
        if (renew) {
          const answer = await client.write('sys/leases/renew', { lease_id: leaseId });
          const lifeMs = (answer?.leaseDurationSeconds ?? 0) * 1000;
          const gainedMs = clock.monotonicMs() + lifeMs - endMs;
          endMs = clock.monotonicMs() + lifeMs;
          // The lease has met its longest life: its secret is replaced before it ends.
          const atEnd = answer?.renewable !== true || gainedMs < lifeMs * 0.1;
          again(Math.max(lifeMs * (atEnd ? 0.9 : 2 / 3), RETRY_MS_MIN), !atEnd);
          return;
        }
        const next = await fetch(client);
        const differs = next.content !== held.content;
        held.value = next.value;
        held.content = next.content;
        this.#arm(key, held, client, fetch, next);
        if (differs) changed(key);
      } catch (cause) {
        const error = cause instanceof Error ? cause.message : 'unknown error';
        log.warn('a secret could not be refreshed', { error });
        if (cause instanceof ApiError && cause.status === 403) refused();
        again(retryMs, renew && clock.monotonicMs() + retryMs < endMs);
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    };
    again(due.inMs, due.renew);
  }

  #chance(): number {
    return this.#options.random.bytes(1).readUInt8() / 255;
  }
}

function contentOf(secret: Secret): string {
  const { data, auth, wrapInfo, leaseId } = secret;
  return JSON.stringify({ data, auth, wrapInfo, leaseId });
}

function bodyOf(values: readonly string[]): JsonObject {
  const body = Object.create(null) as JsonObject;
  for (const value of values) {
    const at = value.indexOf('=');
    if (at <= 0) throw new TemplateError('values are written as "key=value"');
    body[value.slice(0, at)] = value.slice(at + 1);
  }
  return body;
}

async function ask(
  client: Client,
  path: string,
  values: readonly string[],
): Promise<Secret | undefined> {
  if (values.length > 0) return client.write(path, bodyOf(values));
  const [bare = '', query] = path.split('?', 2);
  const version = query === undefined ? undefined : new URLSearchParams(query).get('version');
  const target = await versionedPath(client, bare, 'data');
  const secret = await client.read(
    target,
    version === null || version === undefined ? {} : { version },
  );
  // A deleted version answers with its metadata and no data.
  return secret?.data?.['data'] === null ? undefined : secret;
}

/** Puts `data` or `metadata` behind the path of a version 2 mount where it is missing. */
async function versionedPath(
  client: Client,
  path: string,
  part: 'data' | 'metadata',
): Promise<string> {
  const clean = path.replaceAll(/^\/+|\/+$/g, '');
  let mount: JsonObject | undefined;
  try {
    mount = (await client.read(`sys/internal/ui/mounts/${clean}`))?.data;
  } catch {
    // Whoever may read the secret need not be told of its mount.
    return clean;
  }
  const prefix = mount?.['path'];
  const options = mount?.['options'];
  const versioned = isJsonObject(options) && options['version'] === '2';
  if (typeof prefix !== 'string' || !versioned || mount?.['type'] !== 'kv') return clean;
  const rest = `${clean}/`.startsWith(prefix) ? clean.slice(prefix.length) : clean;
  return /^(?:data|metadata|subkeys)(?:\/|$)/.test(rest) ? clean : `${prefix}${part}/${rest}`;
}
