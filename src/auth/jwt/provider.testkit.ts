/** A real OpenID provider (the package oidc-provider) on the loopback interface, and a browser that signs in there. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const CLIENT: { readonly id: string; readonly secret: string } = {
  id: 'strongroom',
  secret: 'the secret of the client/+:%',
};

/** A client that gets tokens in forms; it may not register plain HTTP, nor the name localhost. */
export const IMPLICIT_CLIENT = 'strongroom-forms';
export const HTTPS_LOOPBACK = 'https://127.0.0.1:8250/oidc/callback';

export interface Landing {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Of the query, or of the form that the provider's page posts. */
  readonly values: Readonly<Record<string, string>>;
}

export interface OpenProvider {
  readonly issuer: string;
  /** What the user info and tokens say of whoever signs in, beside the subject. */
  claims: Record<string, unknown>;
  /** Signs in as `user` and follows redirects until one leaves the provider. */
  signIn(url: string, user: string): Promise<Landing>;
  /** Types the code of a device, signs in and confirms. */
  confirmDevice(url: string, userCode: string, user: string): Promise<void>;
  close(): void;
}

/** The package tells on the console which of its defaults a product should not keep; a test keeps them all. */
function silence(): void {
  for (const level of ['info', 'warn'] as const) {
    const write = console[level];
    console[level] = (...said: unknown[]): void => {
      if (!/^oidc-provider (?:NOTICE|WARNING): /.test(String(said[0]))) write(...said);
    };
  }
}

silence();
const { Provider } = await import('oidc-provider');

function signingKey(): object {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' };
}

const REDIRECTS_MAX = 20;

/** Cookies of one browser; the provider is one site, so paths and ages do not matter. */
class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async #send(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  }

  /** Goes on until the provider is left, or a page has nothing to fill in. */
  async go(
    url: string,
    answers: Readonly<Record<string, string>>,
  ): Promise<Landing | { readonly page: string }> {
    let response = await this.#send(url);
    let at = url;
    for (let count = 0; count < REDIRECTS_MAX; count++) {
      const location = response.headers.get('location');
      if (location !== null) {
        at = new URL(location, at).href;
        if (!at.startsWith(this.#origin)) return { url: at, method: 'GET', values: queryOf(at) };
        response = await this.#send(at);
        continue;
      }
      const page = await response.text();
      const form = formIn(page);
      if (form === undefined) return { page };
      const action = new URL(form.action, at).href;
      const values = { ...form.values };
      for (const name of form.asked) values[name] = answers[name] ?? 'x';
      if (!action.startsWith(this.#origin)) return { url: action, method: 'POST', values };
      at = action;
      response = await this.#send(action, values);
    }
    throw new Error('too many redirects');
  }
}

function queryOf(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url).searchParams);
}

function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#x2F;', '/').replaceAll('&amp;', '&');
}

interface Form {
  readonly action: string;
  readonly values: Readonly<Record<string, string>>;
  /** Names of inputs that a person fills in. */
  readonly asked: readonly string[];
}

function formIn(page: string): Form | undefined {
  const action = /<form[^>]*action="([^"]*)"/.exec(page)?.[1];
  if (action === undefined) return undefined;
  const values: Record<string, string> = {};
  const asked: string[] = [];
  for (const [input] of page.matchAll(/<input[^>]*>/g)) {
    const attributes = new Map(
      [...input.matchAll(/\b(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
    );
    const attribute = (key: string): string | undefined => attributes.get(key);
    const name = attribute('name');
    if (name === undefined) continue;
    if (attribute('type') === 'hidden') values[name] = unescaped(attribute('value') ?? '');
    else asked.push(name);
  }
  return { action: unescaped(action), values, asked };
}

/** @param client further metadata of the one client, its redirect URIs above all */
export async function openProvider(
  client: Readonly<Record<string, unknown>> & { readonly redirect_uris: readonly string[] },
): Promise<OpenProvider> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state = { claims: {} as Record<string, unknown> };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
        ...client,
      },
      {
        client_id: IMPLICIT_CLIENT,
        client_secret: CLIENT.secret,
        grant_types: ['implicit'],
        response_types: ['id_token'],
        redirect_uris: [
          HTTPS_LOOPBACK,
          ...client.redirect_uris.filter((each) => each.startsWith('https:')),
        ],
      },
    ],
    jwks: { keys: [signingKey()] },
    cookies: { keys: ['test'] },
    claims: { openid: ['sub', 'team', 'groups', 'auth_time'], email: ['email'] },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    pkce: { required: () => false },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id, ...state.claims }),
    }),
  });
  server.on('request', provider.callback());
  const leave = async (
    browser: Browser,
    url: string,
    answers: Readonly<Record<string, string>>,
  ): Promise<Landing> => {
    const end = await browser.go(url, answers);
    if ('page' in end) throw new Error(`the provider ends with a page: ${end.page.slice(-600)}`);
    return end;
  };
  return {
    issuer,
    get claims() {
      return state.claims;
    },
    set claims(claims) {
      state.claims = claims;
    },
    signIn: async (url, user) => await leave(new Browser(issuer), url, { login: user }),
    async confirmDevice(url, userCode, user) {
      await new Browser(issuer).go(url, { login: user, user_code: userCode });
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
