/**
 * A key of an HTTP API, by calls that the policy describes:
 *
 *     "create": {"method": "POST", "url": "https://api/keys", "headers": {"authorization": "Bearer {{current.key}}"},
 *                "body": "{\"name\": \"{{id}}\"}", "status": [201], "extract": {"key": "secret", "key_id": "data.id"}}
 *     "verify": {"url": "https://api/me", "headers": {"authorization": "Bearer {{value.key}}"}}
 *     "revoke": {"method": "DELETE", "url": "https://api/keys/{{value.key_id}}", "headers": {…}, "status": [204, 404]}
 */
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { SettingsError, TargetError } from '../../targets/database.ts';
import { callTarget } from '../calls.ts';
import { listSetting, objectSetting, textOf } from '../settings.ts';
import type { Fields, Rotation, RotationContext, Rotator } from '../rotator.ts';

interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly statuses: readonly number[];
  /** Names of fields, and where their values are in the answer. */
  readonly extract: Readonly<Record<string, string>>;
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
const PLACE = /\{\{\s*([a-z]+)(?:\.([\w-]+))?\s*\}\}/g;

function callOf(settings: JsonObject, name: string): Call | undefined {
  const described = objectSetting(settings, name);
  if (described === undefined) return undefined;
  const method = textOf(described, 'method', 'GET').toUpperCase();
  if (!METHODS.has(method)) throw new SettingsError(`${name}: unknown method`);
  const url = textOf(described, 'url');
  // A place may stand in the path; the host is the policy's.
  if (!/^https?:\/\/[^/{?#]+(?:[/?#]|$)/.test(url)) {
    throw new SettingsError(`${name}: url must name its host`);
  }
  const statuses = listSetting(described, 'status', ['200', '201', '202', '204']).map(Number);
  if (statuses.some((status) => !Number.isInteger(status) || status < 100 || status > 599)) {
    throw new SettingsError(`${name}: status must be HTTP statuses`);
  }
  return {
    method,
    url,
    headers: texts(described, 'headers'),
    body: textOf(described, 'body'),
    statuses,
    extract: texts(described, 'extract'),
  };
}

function texts(described: JsonObject, name: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectSetting(described, name) ?? {});
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (typeof value !== 'string') throw new SettingsError(`${name} must be texts by name`);
      return [key, value];
    }),
  );
}

export const httpRotator: Rotator = {
  type: 'http',
  summary: 'A key of an HTTP API, by calls that the policy describes.',
  settings: [
    {
      name: 'create',
      description: 'Call that makes a new key, and where the answer has its fields.',
      secret: true,
    },
    { name: 'verify', description: 'Call that works with a valid key only.', secret: true },
    { name: 'revoke', description: 'Call that ends a key.', secret: true },
    { name: 'tls_ca', description: 'Certificate authority of the API, in PEM.' },
  ],
  keepsPrevious: () => true,
  open(settings) {
    const create = callOf(settings, 'create');
    if (create === undefined || Object.keys(create.extract).length === 0) {
      throw new SettingsError('create must be described, with what to extract of its answer');
    }
    const verify = callOf(settings, 'verify');
    const revoke = callOf(settings, 'revoke');
    return new HttpRotation({ create, verify, revoke }, textOf(settings, 'tls_ca'));
  },
};

interface Calls {
  readonly create: Call;
  readonly verify: Call | undefined;
  readonly revoke: Call | undefined;
}

class HttpRotation implements Rotation {
  readonly #calls: Calls;
  readonly #caPem: string;

  constructor(calls: Calls, caPem: string) {
    this.#calls = calls;
    this.#caPem = caPem;
  }

  async create(context: RotationContext): Promise<Fields> {
    const { create } = this.#calls;
    const body = await this.#send(create, context, context.current);
    const document = parsed(body);
    return Object.fromEntries(
      Object.entries(create.extract).map(([field, place]) => [field, valueAt(document, place)]),
    );
  }

  /** The key is valid from its making. */
  async install(): Promise<void> {}

  async verify(context: RotationContext, value: Fields): Promise<void> {
    const { verify } = this.#calls;
    if (verify !== undefined) await this.#send(verify, context, value);
  }

  async retire(context: RotationContext, old: Fields): Promise<void> {
    const { revoke } = this.#calls;
    if (revoke !== undefined) await this.#send(revoke, context, old);
  }

  async rollback(context: RotationContext): Promise<void> {
    await this.retire(context, { ...context.current, ...context.next });
  }

  async rehearse(context: RotationContext): Promise<readonly string[]> {
    if (this.#calls.verify === undefined)
      return ['there is no call to verify a key with: nothing was tried'];
    await this.verify(context, context.current);
    return ['the API answers, and takes the current key'];
  }

  async #send(call: Call, context: RotationContext, value: Fields): Promise<string> {
    const fill = (text: string, escape: (one: string) => string): string =>
      text.replace(PLACE, (place, group: string, name: string | undefined) => {
        if (group === 'id' && name === undefined) return escape(context.id);
        const fields = { current: context.current, next: context.next, value }[group];
        if (fields === undefined || name === undefined) return place;
        return escape(fields[name] ?? '');
      });
    const headers = Object.entries(call.headers).map(([name, text]) => [
      name,
      fill(text, headerText),
    ]);
    const { status, body } = await callTarget({
      method: call.method,
      url: fill(call.url, encodeURIComponent),
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: fill(call.body, jsonText),
      caPem: this.#caPem,
    });
    if (call.statuses.includes(status)) return body;
    throw new TargetError(`the API answers ${status}`, { mayHaveChanged: status >= 500 });
  }
}

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '');
}

/** Between the quotes of a JSON text it cannot end them. */
function jsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function parsed(body: string): JsonValue {
  try {
    return JSON.parse(body) as JsonValue;
  } catch {
    throw new TargetError('the answer is no JSON', { mayHaveChanged: true });
  }
}

/** `a.b.0.c`: names and positions, one below the other. */
function valueAt(document: JsonValue, place: string): string {
  let value: JsonValue | undefined = document;
  for (const step of place.split('.')) {
    if (Array.isArray(value)) value = /^\d{1,6}$/.test(step) ? value[Number(step)] : undefined;
    else value = isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number') return String(value);
  throw new TargetError('the answer has no value in a place that was named', {
    mayHaveChanged: true,
  });
}
