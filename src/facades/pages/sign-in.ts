/** Signing in and out: each way in is a login of the API, and what it answers becomes the browser's cookie. */
import { base62 } from '../../base/random.ts';
import { onwardPage } from '../../pages/page.ts';
import type { WireReply } from '../facade.ts';
import { at, listAt, objectOf, textAt } from './api.ts';
import type { ApiAnswer } from './api.ts';
import { failed, originOf, ownAddress, ownForm, redirect, shown } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { methodOf, waysIn } from './methods.ts';
import type { Method, Way } from './methods.ts';
import { NO_COOKIE, away, cookieOf } from './session.ts';
import type { SignedIn } from './session.ts';
import { factorPage, signInAddress, signInPage } from './sign-in-page.ts';
import type { FactorMethod, SignInView } from './sign-in-page.ts';

const NONCE_LENGTH = 32;
const REFUSED =
  'You were not let in. Check what you typed and the way you chose. After several failures in a row a name is locked for a while; an administrator can unlock it.';
const TOKEN_REFUSED = 'This token is not valid here, or not any more.';
const CODE_REFUSED = 'The code was not accepted. Wait for the next one and type that.';
const PROVIDER_REFUSED =
  'This server could not send you to the provider. The role has to exist there, and this address has to be among its allowed_redirect_uris: ';

/** What the browser is told about answers that no input of its user can change; undefined for the others. */
function troubleOf(status: number): string | undefined {
  if (status === 429) return 'There were too many requests. Wait a moment, then try again.';
  if (status === 503)
    return 'The server is sealed or cannot work just now. Try again later, or tell its operator.';
  if (status >= 500)
    return 'The server could not do this. Tell its operator; the reason is in its log.';
  return undefined;
}

function pathOf(mount: string, ...rest: readonly string[]): string {
  return ['auth', ...mount.split('/'), ...rest].map(encodeURIComponent).join('/');
}

/** Where the pages of a namespace's provider are reached, that namespace is the one to sign in to. */
function namespaceOf(next: string): string {
  const found = /^\/ui\/vault\/(.*)identity\/oidc\/provider\//.exec(next.split('?')[0] ?? '');
  const text = found?.[1] ?? '';
  return URL.canParse(`http://pages.invalid/${text}`) ? decodeURIComponent(text) : '';
}

async function view(
  { ask }: Exchange,
  values: URLSearchParams,
  problem?: string,
): Promise<SignInView> {
  const next = ownAddress(values.get('next') ?? '');
  const namespace = (values.get('namespace') ?? namespaceOf(next)).trim();
  const found = await waysIn(ask, namespace);
  const [type, mount] = [values.get('method'), values.get('mount')];
  const chosen =
    found.find((way) => way.method.type === type && way.mount === mount) ?? typed(type, mount);
  const way = chosen ?? found[0];
  if (way === undefined) throw new Error('there is always the token');
  const ways = found.some(({ method }) => method.type === way.method.type)
    ? found
    : [...found, way];
  const username = values.get('username') ?? loginHint(next);
  return { ways, way, namespace, next, username, ...(problem !== undefined && { problem }) };
}

/** A way that nobody has named: of a mount that somebody typed. */
function typed(type: string | null, mount: string | null): Way | undefined {
  const method = methodOf(type ?? '');
  if (method === undefined) return undefined;
  return { method, mount: mount || method.type, label: method.label, named: false };
}

/** OpenID Connect Core 1.0 §3.1.2.1. */
function loginHint(next: string): string {
  return new URLSearchParams(next.split('?')[1] ?? '').get('login_hint')?.slice(0, 256) ?? '';
}

export async function showSignIn(exchange: Exchange): Promise<WireReply> {
  return shown(signInPage(await view(exchange, exchange.query)));
}

async function again(
  exchange: Exchange,
  form: URLSearchParams,
  status: number,
  problem: string,
): Promise<WireReply> {
  const content = signInPage(await view(exchange, form, troubleOf(status) ?? problem));
  return shown(content, troubleOf(status) === undefined ? 403 : status);
}

export async function signIn(exchange: Exchange): Promise<WireReply> {
  const form = await ownForm(exchange.wire);
  const method = methodOf(form.get('method') ?? '');
  if (method === undefined) return await again(exchange, form, 400, REFUSED);
  const next = ownAddress(form.get('next') ?? '');
  const namespace = (form.get('namespace') ?? '').trim();
  const mount = form.get('mount')?.trim() || method.type;
  if (method.asks === 'provider')
    return await toProvider(exchange, form, { mount, namespace, next });
  if (method.asks === 'token') {
    const token = (form.get('token') ?? '').trim();
    const { status } = await exchange.ask('GET', 'auth/token/lookup-self', { token, namespace });
    if (status !== 200) return await again(exchange, form, status, TOKEN_REFUSED);
    return enter({ kind: 'session', token, namespace, brought: true }, next);
  }
  const answer = await logIn(exchange, form, { method, mount, namespace });
  return (
    entered(answer, { namespace, next }) ?? (await again(exchange, form, answer.status, REFUSED))
  );
}

async function logIn(
  { ask }: Exchange,
  form: URLSearchParams,
  to: { readonly method: Method; readonly mount: string; readonly namespace: string },
): Promise<ApiAnswer> {
  const { method, mount, namespace } = to;
  if (method.asks === 'certificate')
    return await ask('POST', pathOf(mount, 'login'), { namespace, body: {} });
  const username = form.get('username') ?? '';
  const body = { password: form.get('password') ?? '' };
  return await ask('POST', pathOf(mount, 'login', username), { namespace, body });
}

interface Place {
  readonly namespace: string;
  readonly next: string;
}

/** What a login that went well leads to: in, or to the second factor; undefined when it was refused. */
function entered({ status, body }: ApiAnswer, { namespace, next }: Place): WireReply | undefined {
  if (status !== 200) return undefined;
  const requestId = textAt(body, 'auth', 'mfa_requirement', 'mfa_request_id');
  if (requestId === '') {
    const token = textAt(body, 'auth', 'client_token');
    return enter({ kind: 'session', token, namespace, brought: false }, next);
  }
  const methods = Object.values(objectOf(at(body, 'auth', 'mfa_requirement', 'mfa_constraints')))
    .flatMap((constraint) => listAt(constraint, 'any'))
    .filter((method) => at(method, 'uses_passcode') === true)
    .map((method): FactorMethod => {
      const name = textAt(method, 'name');
      return { id: textAt(method, 'id'), label: name === '' ? 'Code' : `Code of ${name}` };
    });
  return shown(factorPage({ requestId, methods, namespace, next }));
}

function enter(session: SignedIn, next: string): WireReply {
  const cookie = cookieOf(session);
  if (cookie === undefined)
    return failed('Not signed in', 'The token is too long for a browser to keep.', 400);
  return shown(onwardPage('Signed in', next), 200, cookie);
}

function factorMethods(text: string): readonly FactorMethod[] {
  try {
    const listed: unknown = JSON.parse(text);
    if (!Array.isArray(listed)) return [];
    return listed.map((each) => ({ id: textAt(each, 'id'), label: textAt(each, 'label') }));
  } catch {
    return [];
  }
}

export async function secondFactor(exchange: Exchange): Promise<WireReply> {
  const form = await ownForm(exchange.wire);
  const next = ownAddress(form.get('next') ?? '');
  const namespace = form.get('namespace') ?? '';
  const requestId = form.get('mfa_request_id') ?? '';
  const payload = [...form.entries()]
    .filter(([name, value]) => name.startsWith('code:') && value.trim() !== '')
    .map(([name, value]) => [name.slice('code:'.length), [value.trim()]] as const);
  const answer = await exchange.ask('POST', 'sys/mfa/validate', {
    namespace,
    body: { mfa_request_id: requestId, mfa_payload: Object.fromEntries(payload) },
  });
  const reply = entered(answer, { namespace, next });
  if (reply !== undefined) return reply;
  const methods = factorMethods(form.get('methods') ?? '');
  const problem = troubleOf(answer.status) ?? CODE_REFUSED;
  return shown(factorPage({ requestId, methods, namespace, next, problem }), 403);
}

/** Off to another OpenID provider, which sends the browser back to {@link callback}. */
async function toProvider(
  exchange: Exchange,
  form: URLSearchParams,
  { mount, namespace, next }: Place & { readonly mount: string },
): Promise<WireReply> {
  const nonce = base62(exchange.random, NONCE_LENGTH);
  const redirectUri = `${originOf(exchange.wire)}/ui/vault/auth/${mount}/oidc/callback`;
  const answer = await exchange.ask('POST', pathOf(mount, 'oidc', 'auth_url'), {
    namespace,
    body: { role: (form.get('role') ?? '').trim(), redirect_uri: redirectUri, client_nonce: nonce },
  });
  const url = textAt(answer.body, 'data', 'auth_url');
  const cookie = cookieOf({ kind: 'away', mount, namespace, nonce, next });
  if (answer.status !== 200 || !/^https?:\/\//.test(url) || cookie === undefined)
    return await again(exchange, form, answer.status, `${PROVIDER_REFUSED}${redirectUri}`);
  return shown(onwardPage('Off to your provider', url), 200, cookie);
}

export async function callback(exchange: Exchange): Promise<WireReply> {
  const { wire, query, ask } = exchange;
  const gone = away(wire);
  if (gone === undefined) {
    const text =
      'This browser did not begin a sign-in here, or it took longer than ten minutes. Sign in again.';
    return failed('Not signed in', text, 400);
  }
  const { mount, namespace, nonce, next } = gone;
  const told = new URLSearchParams({ client_nonce: nonce });
  for (const name of ['state', 'code', 'error'])
    if (query.has(name)) told.set(name, query.get(name) ?? '');
  const target = `${pathOf(mount, 'oidc', 'callback')}?${told.toString()}`;
  const answer = await ask('GET', target, { namespace });
  const reply = entered(answer, { namespace, next });
  if (reply !== undefined) return reply;
  const way = new URLSearchParams({ method: 'oidc', mount, namespace, next });
  const problem =
    troubleOf(answer.status) ??
    'Your provider signed you in, or refused to, and this server does not let you in. Ask who runs it; its log has the reason.';
  return shown(signInPage(await view(exchange, way, problem)), 403, NO_COOKIE);
}

export async function signOut(exchange: Exchange): Promise<WireReply> {
  await ownForm(exchange.wire);
  const { session, ask } = exchange;
  if (session !== undefined && !session.brought) {
    const { token, namespace } = session;
    await ask('POST', 'auth/token/revoke-self', { token, namespace, body: {} });
  }
  return redirect(
    signInAddress(undefined, { namespace: session?.namespace ?? '', next: '' }),
    NO_COOKIE,
  );
}
