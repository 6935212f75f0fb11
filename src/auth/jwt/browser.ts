/** Logins by browser, from what the provider sends back to the grant of a token. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { base62 } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { PAGE_HEADERS, onwardPage } from '../../pages/page.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchJson } from '../fetch-json.ts';
import { checkAddress } from '../token-fields.ts';
import { isLoopback } from './auth-url.ts';
import { ClaimError } from '../claims.ts';
import { configOf } from './config.ts';
import type { JwtConfig } from './config.ts';
import { withGroups } from './group-sources.ts';
import type { KeySets } from '../key-sets.ts';
import { arrived, hashOf, isSpent, keepArrived, openState, spend } from './login-state.ts';
import type { LoginState } from './login-state.ts';
import { Once } from './once.ts';
import { confirmPage, donePage, failedPage } from './pages.ts';
import { grantFor, personOf } from './person.ts';
import type { Person } from './person.ts';
import { Provider } from './provider.ts';
import type { Tokens } from './provider.ts';
import { jwtRoles } from './role.ts';
import type { JwtRole } from './role.ts';
import type { RawReply, Reply } from '../../model/reply.ts';

export interface BrowserPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly fetch: FetchJson;
  readonly keySets: KeySets;
}

/** Consoles look for this beginning. */
const FAILED = 'Vault login failed.';
const NO_STATE = `${FAILED} Expired or missing OAuth state.`;
const TICKET_LENGTH = 32;
/** Errors that a provider may give (RFC 6749 §4.1.2.1); anything else is not repeated. */
const PROVIDER_ERRORS: readonly string[] = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
];

export interface Callback {
  readonly state: string;
  readonly code: string;
  readonly id_token: string;
  readonly client_nonce: string;
  readonly error: string;
  readonly confirmation: string;
}

/** Whom a provider has vouched for, until the one who began the login asks. */
interface Arrived {
  readonly person: Person;
  /** Hash of what only the browser that brought it knows; '' = the client itself brought it. */
  readonly ticketHash: string;
}

/** One login on its way: what it rests on, read in the same transaction. */
interface Underway {
  readonly config: JwtConfig;
  readonly role: Stored<JwtRole>;
  readonly state: LoginState;
}

function pageReply(raw: RawReply): Reply {
  return { raw, headers: PAGE_HEADERS };
}

/** A refusal; a browser sees it as a page where one is waiting for it. */
function refused(
  reason: string,
  options: { readonly detail?: string; readonly asPage?: boolean } = {},
): RequestError {
  const message = reason === '' ? FAILED : `${FAILED} ${reason}`;
  return invalidRequest(message, {
    ...(options.detail === undefined ? {} : { detail: options.detail }),
    ...(options.asPage === true ? { page: failedPage(message), headers: PAGE_HEADERS } : {}),
  });
}

/** The answer to a form where providers send none. */
const NO_FORMS: Reply = { status: 405, raw: { contentType: 'application/json', body: '' } };

export class BrowserLogins {
  readonly #ports: BrowserPorts;
  readonly #once: Once;

  constructor(ports: BrowserPorts) {
    this.#ports = ports;
    this.#once = new Once(ports.clock);
  }

  async #underway(request: Request<{ readonly state: string }>, store: Reader): Promise<Underway> {
    const config = await configOf(store);
    if (config === undefined) throw refused('Could not load configuration');
    const { mount, nowMs } = request;
    const state = await openState(request.fields.state, store, { mount: mount.uuid, nowMs });
    if (state === undefined || (await isSpent(store, state))) throw invalidRequest(NO_STATE);
    const role = await jwtRoles.find(store, state.role);
    if (role === undefined) throw refused('Role could not be found');
    return { config, role, state };
  }

  /** Who the provider says it is. @throws {RequestError} */
  async #vouched(
    { config, role, state }: Underway,
    nowMs: number,
    get: (provider: Provider) => Promise<Tokens>,
  ): Promise<Person> {
    const asPage = role.callback_mode === 'direct';
    try {
      const provider = await Provider.of(config, this.#ports);
      const tokens = await get(provider);
      const nonce = state.deviceCode === '' ? state.nonce : undefined;
      const claims = await provider.verified(tokens, role, { nonce, nowMs });
      const info = await this.#userInfo(provider, tokens, claims['sub']);
      const all = await withGroups({ ...claims, ...info }, config.provider_config, {
        groupsClaim: role.groups_claim,
        accessToken: tokens.accessToken,
        fetch: this.#ports.fetch,
        options: provider.options,
      });
      const person = personOf(all, role);
      return { ...person, metadata: { ...person.metadata, ...tokenMetadata(tokens, role) } };
    } catch (error) {
      if (!(error instanceof ClaimError) && !(error instanceof FetchError)) throw error;
      throw refused('', { detail: error.message, asPage });
    }
  }

  /** Without what the provider could tell besides, the login goes on: a role that needs it will say so. */
  async #userInfo(
    provider: Provider,
    tokens: Tokens,
    subject: unknown,
  ): ReturnType<Provider['userInfo']> {
    try {
      return await provider.userInfo(tokens.accessToken, subject);
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      this.#ports.log.warn('the user info of a login cannot be read', { reason: error.message });
      return undefined;
    }
  }

  /** What the provider sent along with the browser, judged. */
  async #received(underway: Underway, request: Request<Callback>): Promise<Person> {
    const { code, id_token: idToken } = request.fields;
    return await this.#once.run(request.id, async () =>
      this.#vouched(underway, request.nowMs, async (provider) => {
        if (code !== '') return await provider.exchange(code, underway.state);
        if (idToken === '') throw new ClaimError('neither a code nor a token was sent');
        return { idToken, accessToken: '', refreshToken: '' };
      }),
    );
  }

  /** @throws {RequestError} when the provider refuses, or the caller is not where it should be */
  #admit({ role }: Underway, request: Request<Callback>): void {
    const error = request.fields.error.trim().toLowerCase();
    if (error !== '') {
      const known = PROVIDER_ERRORS.includes(error);
      throw refused(known ? error : '', {
        detail: `the provider answered with ${known ? error : 'an unknown error'}`,
        asPage: role.callback_mode === 'direct',
      });
    }
    checkAddress(role.settings, request.connection);
  }

  /** In the mode direct, the page that asks whether the login is the user's own; undefined when it need not be asked. */
  #confirmation(
    { role, state }: Underway,
    request: Request<Callback>,
    method: 'get' | 'post',
  ): Reply | undefined {
    const { confirmation, ...given } = request.fields;
    if (role.callback_mode !== 'direct' || role.oidc_disable_confirmation) return undefined;
    if (confirmation !== '') return undefined;
    const { state: stateText, code, id_token: idToken, error } = given;
    const values = { state: stateText, code, id_token: idToken, error };
    return pageReply(confirmPage(state, { method, values }));
  }

  async callback(request: Request<Callback>, store: Transaction): Promise<Reply> {
    const underway = await this.#underway(request, store);
    const { role, state } = underway;
    const direct = role.callback_mode === 'direct';
    const before = await arrived<Arrived>(store, state);
    if (direct && before !== undefined) throw invalidRequest(NO_STATE);
    const question = this.#confirmation(underway, request, 'get');
    if (question !== undefined) return question;
    this.#admit(underway, request);
    if (!direct) checkClient(state, request.fields.client_nonce);
    const person = before?.person ?? (await this.#received(underway, request));
    if (direct) {
      await keepArrived(store, state, { person, ticketHash: '' }, request.nowMs);
      return pageReply(donePage());
    }
    // Whoever began the login must be where the browser is: else a link sent to somebody would be enough.
    if (before !== undefined && before.ticketHash !== '') {
      if (hashOf(request.fields.code) !== before.ticketHash)
        throw refused('', { detail: 'asked for by another than the browser that brought it' });
    }
    await spend(store, state, request.nowMs);
    return { auth: grantFor(person, role, state.role, request.connection) };
  }

  /** The provider's form (OAuth 2.0 Form Post Response Mode): judged now, and a login when its client asks. */
  async formPost(request: Request<Callback>, store: Transaction): Promise<Reply> {
    const config = await configOf(store);
    if (config === undefined) throw refused('Could not load configuration.');
    if (config.oidc_response_mode !== 'form_post') return NO_FORMS;
    const underway = await this.#underway(request, store);
    const { state, role } = underway;
    if ((await arrived(store, state)) !== undefined) throw invalidRequest(NO_STATE);
    const question = this.#confirmation(underway, request, 'post');
    if (question !== undefined) return question;
    this.#admit(underway, request);
    const person = await this.#received(underway, request);
    const ticket = base62(this.#ports.random, TICKET_LENGTH);
    const byClient = role.callback_mode === 'direct' || isLoopback(state.redirectUri);
    const kept: Arrived = { person, ticketHash: byClient ? '' : hashOf(ticket) };
    await keepArrived(store, state, kept, request.nowMs);
    if (byClient) return pageReply(donePage());
    const mount = request.mount.path.replace(/^auth\//, '');
    const values = new URLSearchParams({ state: request.fields.state, code: ticket });
    const url = `/ui/vault/auth/${mount}oidc/callback?${values.toString()}`;
    return pageReply(onwardPage('Signed in', url));
  }

  async poll(
    request: Request<{ readonly state: string; readonly client_nonce: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const underway = await this.#underway(request, store);
    const { role, state } = underway;
    if (role.callback_mode === 'client') throw invalidRequest(NO_STATE);
    checkClient(state, request.fields.client_nonce);
    checkAddress(role.settings, request.connection);
    const person =
      state.deviceCode === ''
        ? (await arrived<Arrived>(store, state))?.person
        : await this.#polledDevice(underway, request);
    if (person === undefined) throw invalidRequest('authorization_pending');
    await spend(store, state, request.nowMs);
    return { auth: grantFor(person, role, state.role, request.connection) };
  }

  async #polledDevice(
    underway: Underway,
    { id, nowMs }: Pick<Request, 'id' | 'nowMs'>,
  ): Promise<Person> {
    return await this.#once.run(id, async () =>
      this.#vouched(underway, nowMs, async (provider) => {
        const answer = await provider.pollDevice(underway.state.deviceCode);
        if (!('error' in answer)) return answer;
        // RFC 8628 §3.5: the two that mean "ask again".
        if (answer.error === 'authorization_pending' || answer.error === 'slow_down')
          throw invalidRequest(answer.error);
        throw refused('', { detail: 'the provider does not authorize the device' });
      }),
    );
  }
}

function checkClient(state: LoginState, nonce: string): void {
  if (state.clientNonceHash !== '' && hashOf(nonce) !== state.clientNonceHash)
    throw invalidRequest('invalid client_nonce');
}

function tokenMetadata(tokens: Tokens, role: Stored<JwtRole>): Record<string, string> {
  const all: Readonly<Record<string, string>> = {
    id_token: tokens.idToken,
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
  };
  return Object.fromEntries(
    (role.oauth2_metadata ?? []).map((name) => [`oauth2_${name}`, all[name] ?? '']),
  );
}
