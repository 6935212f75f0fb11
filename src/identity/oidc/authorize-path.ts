/** The authorization endpoint (OpenID Connect Core 1.0 §3.1.2): who is logged in gets a code to give to a client. */
import { base62 } from '../../base/random.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { OauthRefusal, answered, authorizeError } from './oauth-reply.ts';
import { allowsClient } from './provider-paths.ts';
import type { Grant, OidcClient } from './provider-store.ts';
import { isAssigned, wantedScopes } from './scope-claims.ts';
import type { Membership } from '../membership.ts';
import type { Reply } from '../../model/reply.ts';

const CODE_LENGTH = 32;
/** RFC 7636 §4.2. */
const CHALLENGE_LENGTH_MIN = 43;
const CHALLENGE_LENGTH_MAX = 128;
const CHALLENGE_METHODS: readonly string[] = ['plain', 'S256'];
/** Hosts whose port does not count in a redirect address (RFC 8252 §7.3). */
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
/** Errors of requests that are not read at all, so that nothing of them comes back. */
const STATELESS: ReadonlySet<string> = new Set([
  'request_not_supported',
  'request_uri_not_supported',
]);
/** Longest of the texts that are kept with a code. */
const TEXT_LENGTH_MAX = 4096;

interface AuthorizeWish {
  readonly name?: string | undefined;
  readonly client_id?: string | undefined;
  readonly scope?: string | undefined;
  readonly redirect_uri?: string | undefined;
  readonly response_type?: string | undefined;
  readonly state?: string | undefined;
  readonly nonce?: string | undefined;
  readonly max_age?: number | undefined;
  readonly code_challenge?: string | undefined;
  readonly code_challenge_method?: string | undefined;
}

type AuthorizeRequest = Request<AuthorizeWish>;

/** Exactly one of those that the client has registered; of loopback addresses the port may differ. */
export function isRegisteredRedirect(address: string, registered: readonly string[]): boolean {
  const url = URL.parse(address);
  if (url === null) return false;
  if (!LOOPBACK.includes(url.hostname)) return registered.includes(address);
  return registered.some((each) => withoutPort(each) === withoutPort(address));
}

function withoutPort(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null) return undefined;
  url.port = '';
  return url.href;
}

function refuse(error: string, description: string): never {
  throw new OauthRefusal(error, description);
}

/** RFC 7636 §4.3: what the later exchange must prove. @throws {OauthRefusal} */
function challengeOf(
  wish: AuthorizeWish,
  client: OidcClient,
): Pick<Grant, 'codeChallenge' | 'codeChallengeMethod'> {
  const { code_challenge: challenge, code_challenge_method: sent = '' } = wish;
  if (challenge === undefined) {
    if (client.type === 'public') refuse('invalid_request', 'PKCE is required for public clients');
    return { codeChallenge: '', codeChallengeMethod: '' };
  }
  const method = sent === '' ? 'plain' : sent;
  if (!CHALLENGE_METHODS.includes(method))
    refuse('invalid_request', 'invalid code_challenge_method');
  if (challenge.length < CHALLENGE_LENGTH_MIN || challenge.length > CHALLENGE_LENGTH_MAX)
    refuse('invalid_request', 'invalid code_challenge');
  return { codeChallenge: challenge, codeChallengeMethod: method };
}

export function authorizePaths(context: OidcContext): readonly Path<Unit>[] {
  /** The user who is logged in. @throws {OauthRefusal} */
  async function userOf(request: AuthorizeRequest, unit: Unit): Promise<Membership> {
    const { principal, namespace } = request;
    const entityId = principal?.entityId ?? '';
    if (entityId === '' || principal?.tokenNamespace.id !== namespace.id)
      refuse('access_denied', 'identity entity must be associated with the request');
    const user = await context.identity.membership(unit, namespace.id, entityId);
    return user ?? refuse('access_denied', 'identity entity associated with the request not found');
  }

  /** When the user logged in, where the client wants to know. @throws {OauthRefusal} when that is too long ago */
  async function authTime(request: AuthorizeRequest, unit: Unit): Promise<number> {
    const { max_age: maxAge } = request.fields;
    if (maxAge === undefined) return 0;
    if (maxAge < 1) refuse('invalid_request', 'max_age must be greater than zero');
    const token = request.clientToken ?? '';
    const loggedInAt = await context.ports.loggedInAt(unit, token, request.nowMs);
    if (loggedInAt === undefined)
      return refuse('access_denied', 'token associated with request not found');
    if (Math.floor(request.nowMs / 1000) - loggedInAt > maxAge)
      refuse('max_age_violation', 'active re-authentication is required by max_age');
    return loggedInAt;
  }

  async function authorize(request: AuthorizeRequest, unit: Unit): Promise<Reply> {
    const { fields: wish, data, nowMs } = request;
    const { name = '', client_id: clientId = '', redirect_uri: redirectUri = '' } = wish;
    const store = context.provided(request, unit);
    if (clientId === '') refuse('invalid_client_id', 'client_id parameter is required');
    const client = await store.clientById(clientId);
    if (client === undefined) return refuse('invalid_client_id', 'client with client_id not found');
    if (!client.authorizationCode) {
      refuse('invalid_grant', 'client not allowed to perform authorization code credential flow');
    }
    if (redirectUri === '') refuse('invalid_request', 'redirect_uri parameter is required');
    if (!isRegisteredRedirect(redirectUri, client.redirectUris))
      refuse('invalid_redirect_uri', 'redirect_uri is not allowed for the client');
    const provider = await store.provider(name);
    if (provider === undefined) return refuse('invalid_request', 'provider not found');
    if (!allowsClient(provider, clientId))
      refuse('unauthorized_client', 'client is not authorized to use the provider');
    if (Object.hasOwn(data, 'request'))
      refuse('request_not_supported', 'request parameter is not supported');
    if (Object.hasOwn(data, 'request_uri'))
      refuse('request_uri_not_supported', 'request_uri parameter is not supported');
    const scopes = wantedScopes(wish.scope ?? '', provider);
    const { response_type: responseType = '', nonce = '', state = '' } = wish;
    if (responseType === '') refuse('invalid_request', 'response_type parameter is required');
    if (responseType !== 'code')
      refuse('unsupported_response_type', 'unsupported response_type value');
    if (nonce.length > TEXT_LENGTH_MAX || redirectUri.length > TEXT_LENGTH_MAX)
      refuse('invalid_request', 'a parameter is too long');
    const user = await userOf(request, unit);
    if (!(await isAssigned(store, user, client)))
      refuse('access_denied', 'identity entity not authorized by client assignment');
    const grant: Grant = {
      provider: name,
      clientId,
      entityId: user.entity.id,
      redirectUri,
      nonce,
      scopes,
      ...challengeOf(wish, client),
      authTime: await authTime(request, unit),
    };
    const code = base62(context.random, CODE_LENGTH);
    await store.putCode(code, grant, nowMs);
    return { bare: true, data: { code, state } };
  }

  const handler = async (request: AuthorizeRequest, unit: Unit): Promise<Reply> =>
    await answered(
      () => authorize(request, unit),
      (error) =>
        authorizeError(error, STATELESS.has(error.error) ? '' : (request.fields.state ?? '')),
    );

  return [
    defineSystemPath({
      pattern: 'oidc/provider/{name}/authorize',
      fields: {
        name: { kind: 'string', description: 'Name of the provider.' },
        client_id: { kind: 'string', description: 'Client id of the client.' },
        scope: {
          kind: 'string',
          description: 'Scopes that are asked for, with spaces between them; openid must be there.',
        },
        redirect_uri: { kind: 'string', description: 'Where the login leads back to.' },
        response_type: { kind: 'string', description: 'What is asked for: code.' },
        state: { kind: 'string', description: 'Comes back unchanged.' },
        nonce: { kind: 'string', description: 'Comes back in the ID token.' },
        max_age: {
          kind: 'int',
          description: 'Seconds since the user logged in, at most.',
        },
        code_challenge: { kind: 'string', description: 'PKCE challenge (RFC 7636).' },
        code_challenge_method: {
          kind: 'string',
          description: 'S256, or plain, which stands in when nothing is sent.',
        },
      },
      help: { synopsis: 'Gives the caller a code with which a client gets its tokens.' },
      operations: {
        read: { summary: 'Authorize a client', handler },
        update: { summary: 'Authorize a client', handler },
      },
    }),
  ];
}
