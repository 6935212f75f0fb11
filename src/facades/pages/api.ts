/**
 * The pages are a client of the API like any other: each thing that they do is a request to it, with the token of the one who
 * sits before the browser. So they can do nothing, and see nothing, that the API would not let that person do or see.
 */
import type { Facade, WireRequest } from '../facade.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface Ask {
  readonly token?: string;
  /** As in `X-Vault-Namespace`. */
  readonly namespace?: string;
  readonly body?: Fields;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: Fields;
}

export type AskApi = (method: string, target: string, ask?: Ask) => Promise<ApiAnswer>;

/** What the API says to the browser's requests, over the same connection as far as anybody can tell. */
export function apiOf(api: Pick<Facade, 'handle'>, wire: WireRequest): AskApi {
  return async (method, target, { token, namespace, body } = {}) => {
    const agent = wire.headers['user-agent'];
    const headers: Record<string, string> = {
      'x-vault-request': 'true',
      ...(typeof agent === 'string' && { 'user-agent': agent }),
      ...(token !== undefined && { 'x-vault-token': token }),
      ...(namespace !== undefined && namespace !== '' && { 'x-vault-namespace': namespace }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
    const reply = await api.handle({
      method,
      target: `/v1/${target}`,
      headers,
      rawHeaders: Object.entries(headers).flat(),
      connection: wire.connection,
      hasBody: body !== undefined,
      readBody: () => Promise.resolve(bytes),
      bodyPieces: async function* () {
        yield bytes;
      },
      get signal() {
        return wire.signal;
      },
    });
    const text = reply.body.toString();
    return { status: reply.status, body: objectOf(text === '' ? null : JSON.parse(text)) };
  };
}

export function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

/** The member at the end of this path of names; undefined where there is none. */
export function at(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce((within, name) => {
    const fields = objectOf(within);
    return Object.hasOwn(fields, name) ? fields[name] : undefined;
  }, value);
}

export function textAt(value: unknown, ...names: readonly string[]): string {
  const found = at(value, ...names);
  return typeof found === 'string' ? found : '';
}

export function listAt(value: unknown, ...names: readonly string[]): readonly unknown[] {
  const found = at(value, ...names);
  return Array.isArray(found) ? found : [];
}
