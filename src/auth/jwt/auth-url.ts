/** `oidc/auth_url`: begins a login by browser. Whoever may not come back where it wants to gets an empty URL, and no reason. */
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Transaction } from '../../model/transaction.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchJson } from '../fetch-json.ts';
import { configOf, isForBrowsers } from './config.ts';
import type { KeySets } from '../key-sets.ts';
import { beginLogin, hashOf } from './login-state.ts';
import type { Begun } from './login-state.ts';
import { Provider } from './provider.ts';
import { jwtRoles } from './role.ts';
import type { JwtRole } from './role.ts';
import type { Reply } from '../../model/reply.ts';

interface AuthUrlPorts {
  readonly random: Random;
  readonly log: Log;
  readonly fetch: FetchJson;
  readonly keySets: KeySets;
}

interface AuthUrlFields {
  readonly role: string;
  readonly redirect_uri: string;
  readonly client_nonce: string;
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const TEXT_LENGTH_MAX = 1024;
/** Seconds between polls when neither role nor provider says. */
const POLL_SECONDS = 5;

function withoutPort(url: URL): string {
  const copy = new URL(url.href);
  copy.port = '';
  return copy.href;
}

/** The client itself listens there, on the machine of the browser. */
export function isLoopback(uri: string): boolean {
  return LOOPBACK.includes(URL.parse(uri)?.hostname ?? '');
}

/** Exactly as allowed; on the loopback interface with any port (RFC 8252 §7.3). */
export function isAllowedRedirect(uri: string, allowed: readonly string[]): boolean {
  const url = URL.parse(uri);
  if (url === null) return false;
  if (!isLoopback(uri)) return allowed.includes(uri);
  return allowed.some((each) => {
    const other = URL.parse(each);
    return other !== null && withoutPort(other) === withoutPort(url);
  });
}

/** A namespace in the query goes along in the state instead, so that one redirect URI serves all namespaces. */
function splitNamespace(uri: string): { readonly uri: string; readonly namespace: string } {
  const url = URL.parse(uri);
  const namespace = url?.searchParams.get('namespace') ?? '';
  if (url === null || namespace === '') return { uri, namespace: '' };
  url.searchParams.delete('namespace');
  return { uri: url.href, namespace };
}

function pollInterval(role: Stored<JwtRole>, provider: unknown): string {
  const asked = typeof provider === 'number' && provider > 0 ? Math.ceil(provider) : POLL_SECONDS;
  return String(role.poll_interval > 0 ? role.poll_interval : asked);
}

const NOTHING: Reply = { data: { auth_url: '' } };

export async function beginBrowserLogin(
  request: Request<AuthUrlFields>,
  store: Transaction,
  ports: AuthUrlPorts,
): Promise<Reply> {
  const { redirect_uri: wanted, client_nonce: clientNonce } = request.fields;
  if (wanted.length > TEXT_LENGTH_MAX || clientNonce.length > TEXT_LENGTH_MAX)
    throw invalidRequest('redirect_uri or client_nonce is too long');
  const config = await configOf(store);
  if (config === undefined) throw invalidRequest('could not load configuration');
  if (!isForBrowsers(config)) throw invalidRequest('OIDC login is not configured for this mount');
  const name = request.fields.role === '' ? config.default_role.toLowerCase() : request.fields.role;
  if (name === '') throw invalidRequest('missing role');
  const role = await jwtRoles.find(store, name);
  if (role === undefined) throw invalidRequest('the role could not be found');
  if (clientNonce === '' && role.callback_mode !== 'client')
    throw invalidRequest('missing client_nonce');
  const nothing = (reason: string): Reply => {
    ports.log.warn('a browser login was not begun', { role: name, reason });
    return NOTHING;
  };
  if (role.role_type !== 'oidc') return nothing('the role is not for browser logins');
  const begun: Begun = {
    role: name,
    redirectUri: '',
    clientNonceHash: clientNonce === '' ? '' : hashOf(clientNonce),
    deviceCode: '',
    address: request.connection.remoteAddress,
  };
  const options = { mount: request.mount.uuid, random: ports.random, nowMs: request.nowMs };
  try {
    const provider = await Provider.of(config, ports);
    if (role.callback_mode === 'device') {
      const device = await provider.authorizeDevice(role);
      const code = device['device_code'];
      if (typeof code !== 'string') return nothing('the provider gave no device code');
      const { text } = await beginLogin({ ...begun, deviceCode: code }, store, options);
      return { data: deviceAnswer(device, role, text) };
    }
    if (wanted === '') throw invalidRequest('missing redirect_uri');
    const { uri, namespace } = config.namespace_in_state
      ? splitNamespace(wanted)
      : { uri: wanted, namespace: '' };
    if (!isAllowedRedirect(uri, role.allowed_redirect_uris ?? []))
      return nothing('the redirect URI is not one that the role allows');
    // A console that the provider's form cannot reach: the form goes to the server.
    const redirectUri =
      config.oidc_response_mode === 'form_post' ? uri.replace('ui/vault', 'v1') : uri;
    const { text, state } = await beginLogin({ ...begun, redirectUri }, store, options);
    const shown = namespace === '' ? text : `${text},ns=${namespace}`;
    const url = provider.authorizationUrl(state, shown, role);
    return role.callback_mode === 'direct'
      ? { data: { auth_url: url, state: text, poll_interval: pollInterval(role, 0) } }
      : { data: { auth_url: url } };
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    return nothing(error.message);
  }
}

function deviceAnswer(
  device: JsonObject,
  role: Stored<JwtRole>,
  state: string,
): Record<string, unknown> {
  // Google and older providers say url instead of uri.
  const complete = device['verification_uri_complete'] ?? device['verification_url_complete'];
  const plain = device['verification_uri'] ?? device['verification_url'];
  return {
    ...(complete === undefined
      ? { auth_url: plain, user_code: device['user_code'] }
      : { auth_url: complete }),
    state,
    poll_interval: pollInterval(role, device['interval']),
  };
}
