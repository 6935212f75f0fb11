/**
 * Logins by browser at an OpenID provider: asks the server where to send the browser, and waits for it to come back (to a
 * listener here), or polls the server that it comes back to.
 */
import { spawn } from 'node:child_process';
import type { IncomingMessage, Server } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { http } from '../../base/node-http.ts';
import { base62, systemRandom } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import { parseBoolean } from '../../client/environment.ts';
import { ApiError } from '../../client/errors.ts';
import type { Secret } from '../../client/secret.ts';
import { warn } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';

const WAIT_MS = 2 * 60_000;
const NONCE_LENGTH = 20;
const FORM_BYTES_MAX = 256 * 1024;
const CALLBACK_PATH = '/oidc/callback';

type Values = ReadonlyMap<string, string>;

export interface BrowserLoginPorts {
  readonly terminal: Terminal;
  readonly client: Client;
  /** Opens a URL for the user. @throws {Error} */
  readonly open?: (url: string) => Promise<void>;
}

function flag(values: Values, name: string): boolean {
  const text = values.get(name) ?? 'false';
  const value = parseBoolean(text);
  if (value === undefined) throw new Error(`failed to parse value for "${name}"`);
  return value;
}

async function openBrowser(url: string): Promise<void> {
  const [program, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  const child = spawn(program ?? '', [...before, url], { stdio: 'ignore', detached: true });
  child.unref();
  await once(child, 'spawn');
}

/** The redirect URI that the provider is given. */
function redirectUri(values: Values, client: Client, mount: string): string {
  const direct = values.get('callbackmode') === 'direct';
  const server = direct ? URL.parse(client.address) : null;
  const scheme = values.get('callbackmethod') ?? server?.protocol.replace(':', '') ?? 'http';
  const host = values.get('callbackhost') ?? server?.hostname ?? 'localhost';
  const own = server === null ? (values.get('port') ?? '8250') : server.port;
  const port = values.get('callbackport') ?? own;
  const path = server === null ? '' : `/v1/auth/${mount}`;
  return `${scheme}://${host}${port === '' ? '' : `:${port}`}${path}${CALLBACK_PATH}`;
}

/** @throws {Error} when the login does not come about */
export async function browserLogin(
  ports: BrowserLoginPorts,
  mount: string,
  values: Values,
): Promise<Secret> {
  const { client } = ports;
  const mode = values.get('callbackmode') || 'client';
  const nonce = base62(systemRandom, NONCE_LENGTH);
  // Before the provider is asked: a port that is taken ends the login at once.
  const listener = mode === 'client' ? await listen(values) : undefined;
  try {
    const begun = await client.write(`auth/${mount}/oidc/auth_url`, {
      role: values.get('role') ?? '',
      redirect_uri: redirectUri(values, client, mount),
      client_nonce: nonce,
    });
    const told = (name: string): string => {
      const value = begun?.data?.[name];
      return typeof value === 'string' ? value : '';
    };
    const url = told('auth_url');
    if (url === '') {
      throw new Error(
        'the server does not begin this login: look at the role, its allowed_redirect_uris, and the log of the server',
      );
    }
    if (mode !== 'client' && told('state') === '')
      throw new Error(`the role is not for the callback mode ${mode}`);
    if (mode === 'client' && told('state') !== '')
      throw new Error('the role is not for the callback mode client: try callbackmode=direct');
    await show(ports, url, values, told('user_code'));
    if (listener === undefined)
      return await polled(client, mount, { state: told('state'), nonce }, told('poll_interval'));
    return await returned(listener, client, mount, {
      state: URL.parse(url)?.searchParams.get('state') ?? '',
      nonce,
    });
  } finally {
    listener?.closeAllConnections();
    listener?.close();
  }
}

async function show(
  { terminal, open = openBrowser }: BrowserLoginPorts,
  url: string,
  values: Values,
  userCode: string,
): Promise<void> {
  const skip = flag(values, 'skip_browser');
  warn(
    terminal,
    `Complete the login via your OIDC provider. ${skip ? 'Open the following link in your browser' : 'Launching browser to'}:\n\n    ${url}\n`,
  );
  if (userCode !== '') warn(terminal, `When prompted, enter code ${userCode}\n`);
  if (!skip) {
    try {
      await open(url);
    } catch (cause) {
      if (flag(values, 'abort_on_error'))
        throw new Error('failed to launch the browser', { cause });
      warn(terminal, 'No browser could be opened. Please visit the URL above.\n');
    }
  }
  warn(terminal, 'Waiting for OIDC authentication to complete...\n');
}

interface Waiting {
  readonly state: string;
  readonly nonce: string;
}

async function polled(
  client: Client,
  mount: string,
  { state, nonce }: Waiting,
  interval: string,
): Promise<Secret> {
  let waitMs = (Number(interval) || 5) * 1000;
  for (;;) {
    await sleep(waitMs);
    try {
      const body = { state, client_nonce: nonce };
      const secret = await client.write(`auth/${mount}/oidc/poll`, body);
      if (secret === undefined) throw new Error('empty response from credential provider');
      return secret;
    } catch (error) {
      const [text = ''] = error instanceof ApiError ? error.errors : [];
      if (text === 'slow_down') waitMs *= 2;
      else if (text !== 'authorization_pending') throw error;
    }
  }
}

async function listen(values: Values): Promise<Server> {
  const server = http.createServer();
  const port = Number(values.get('port') ?? 8250);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('port is not a port');
  server.listen(port, values.get('listenaddress') ?? 'localhost');
  await once(server, 'listening');
  return server;
}

async function formOf(incoming: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += (chunk as Buffer).length;
    if (bytes > FORM_BYTES_MAX) throw new Error('the form is too large');
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function answerText(failure: string): string {
  return failure === ''
    ? 'Signed in. You can close this window.\n'
    : `The login failed: ${failure}\n`;
}

/** What comes of the browser's return. Whatever does not carry the state of this login is turned away. */
async function returned(
  listener: Server,
  client: Client,
  mount: string,
  waiting: Waiting,
): Promise<Secret> {
  const { promise, resolve, reject } = Promise.withResolvers<Secret>();
  const timer = setTimeout(
    () => reject(new Error('timed out waiting for response from provider')),
    WAIT_MS,
  );
  listener.on('request', (incoming, outgoing) => {
    void (async () => {
      const url = URL.parse(incoming.url ?? '', 'http://localhost');
      if (url?.pathname !== CALLBACK_PATH) {
        outgoing.writeHead(404).end();
        return;
      }
      const byForm = incoming.method === 'POST';
      const given = byForm ? await formOf(incoming) : url.searchParams;
      if (given.get('state') !== waiting.state) {
        outgoing.writeHead(400).end();
        return;
      }
      const finish = (status: number, failure: string): void => {
        outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
        outgoing.end(answerText(failure));
      };
      try {
        const secret = await ended(client, mount, given, { byForm, nonce: waiting.nonce });
        finish(200, '');
        resolve(secret);
      } catch (error) {
        const failure = error instanceof Error ? error : new Error('failed', { cause: error });
        finish(400, failure.message);
        reject(failure);
      }
    })().catch(() => outgoing.destroy());
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

async function ended(
  client: Client,
  mount: string,
  given: URLSearchParams,
  { byForm, nonce }: { readonly byForm: boolean; readonly nonce: string },
): Promise<Secret> {
  const path = `auth/${mount}/oidc/callback`;
  const value = (name: string): string => given.get(name) ?? '';
  const query = { state: value('state'), code: value('code'), client_nonce: nonce };
  if (byForm) {
    const body = { state: query.state, code: query.code, id_token: value('id_token') };
    await client.request('POST', path, { body });
  }
  const error = value('error');
  const secret = await client.read(path, error === '' ? query : { ...query, error });
  if (secret === undefined) throw new Error('empty response from credential provider');
  return secret;
}
