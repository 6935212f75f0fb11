/** The token endpoint (OpenID Connect Core 1.0 §3.1.3): a client exchanges a code, or its own credentials, for tokens. */
import { createHash } from 'node:crypto';
import { uuid } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { equalConstantTime } from '../../crypto/secret-bytes.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { signWith } from './named-key.ts';
import type { NamedKey } from './named-key.ts';
import { OauthRefusal, TOKEN_HEADERS, answered, tokenError } from './oauth-reply.ts';
import { allowsClient } from './provider-paths.ts';
import type { Grant, OidcClient, OidcProvider, ProviderStore } from './provider-store.ts';
import { isAssigned, scopeClaims, wantedScopes } from './scope-claims.ts';
import type { Reply } from '../../model/reply.ts';

interface ExchangeWish {
  readonly name?: string | undefined;
  readonly code?: string | undefined;
  readonly grant_type?: string | undefined;
  readonly redirect_uri?: string | undefined;
  readonly code_verifier?: string | undefined;
  readonly scope?: string | undefined;
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
}

type ExchangeRequest = Request<ExchangeWish>;

/** What every grant needs. */
interface Asking {
  readonly request: ExchangeRequest;
  readonly unit: Unit;
  readonly store: ProviderStore;
  readonly provider: OidcProvider;
  readonly client: OidcClient;
  readonly key: NamedKey;
  /** What every token says of itself. */
  readonly claims: JsonObject;
}

function refuse(error: string, description: string): never {
  throw new OauthRefusal(error, description);
}

/** Client id and secret of `Authorization: Basic` (RFC 6749 §2.3.1), else of the body. */
function credentials(request: ExchangeRequest): { clientId: string; secret: string } {
  const { client_id: clientId = '', client_secret: secret = '' } = request.fields;
  const { authorization = '' } = request;
  if (authorization.slice(0, 6).toLowerCase() !== 'basic ') return { clientId, secret };
  const text = Buffer.from(authorization.slice(6), 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return { clientId, secret };
  return {
    clientId: formDecoded(text.slice(0, colon)),
    secret: formDecoded(text.slice(colon + 1)),
  };
}

/** Basic credentials of clients are form-encoded (RFC 6749 §2.3.1); ours hold nothing that could be meant otherwise. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function equalTexts(a: string, b: string): boolean {
  return equalConstantTime(Buffer.from(a), Buffer.from(b));
}

/** `at_hash` and `c_hash`: the left half of the hash that belongs to the signature (OpenID Connect Core 1.0 §3.1.3.6). */
function halfHash(algorithm: string, text: string): string {
  const size = algorithm === 'EdDSA' ? '512' : algorithm.slice(2);
  const digest = createHash(`sha${size}`).update(text).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** RFC 7636 §4.6. @throws {OauthRefusal} */
function checkVerifier(grant: Grant, client: OidcClient, verifier: string): void {
  if (grant.codeChallenge === '') {
    if (client.type === 'public') refuse('invalid_request', 'PKCE is required for public clients');
    if (verifier !== '') refuse('invalid_request', 'unexpected code_verifier for token exchange');
    return;
  }
  if (verifier === '') refuse('invalid_request', 'expected code_verifier for token exchange');
  const challenge =
    grant.codeChallengeMethod === 'S256'
      ? createHash('sha256').update(verifier).digest('base64url')
      : verifier;
  if (!equalTexts(challenge, grant.codeChallenge))
    refuse('invalid_grant', 'invalid code_verifier for token exchange');
}

export function exchangePaths(context: OidcContext): readonly Path<Unit>[] {
  /** @throws {OauthRefusal} */
  async function asking(request: ExchangeRequest, unit: Unit): Promise<Asking> {
    const store = context.provided(request, unit);
    const { name = '' } = request.fields;
    const provider = await store.provider(name);
    if (provider === undefined) return refuse('invalid_request', 'provider not found');
    const { clientId, secret } = credentials(request);
    if (clientId === '') refuse('invalid_request', 'client_id parameter is required');
    const client = await store.clientById(clientId);
    const known =
      client !== undefined && (client.type === 'public' || equalTexts(client.clientSecret, secret));
    if (!known) return refuse('invalid_client', 'client failed to authenticate');
    if (!allowsClient(provider, clientId))
      refuse('invalid_client', 'client is not authorized to use the provider');
    const key = await context.at(request, unit).signingKey(client.key, request.nowMs);
    if (key === undefined) return refuse('invalid_client', `client key "${client.key}" not found`);
    if (!key.allowedClientIds.includes('*') && !key.allowedClientIds.includes(clientId))
      refuse('invalid_client', 'client is not authorized to use the key');
    const iat = Math.floor(request.nowMs / 1000);
    const claims: JsonObject = {
      aud: clientId,
      exp: iat + client.idTokenTtlSeconds,
      iat,
      iss: context.providerIssuer(request, name, provider),
      namespace: request.namespace.id,
    };
    return { request, unit, store, provider, client, key, claims };
  }

  /** The grant of a code, which is used up by asking. @throws {OauthRefusal} */
  async function grantOf({ request, store, client }: Asking): Promise<Grant> {
    const { code = '', redirect_uri: redirectUri = '', name = '' } = request.fields;
    if (code === '') refuse('invalid_request', 'code parameter is required');
    const grant = await store.takeCode(code, request.nowMs);
    if (grant === undefined)
      return refuse('invalid_grant', 'authorization grant is invalid or expired');
    if (grant.clientId !== client.clientId)
      refuse('invalid_grant', 'authorization code was not issued to the client');
    if (grant.provider !== name)
      refuse('invalid_grant', 'authorization code was not issued by the provider');
    if (redirectUri === '') refuse('invalid_request', 'redirect_uri parameter is required');
    if (grant.redirectUri !== redirectUri) {
      refuse(
        'invalid_grant',
        'redirect_uri does not match the redirect_uri used in the authorization request',
      );
    }
    return grant;
  }

  async function byCode(asked: Asking): Promise<JsonObject> {
    const { request, unit, store, client, key } = asked;
    const { code = '', code_verifier: verifier = '', name = '' } = request.fields;
    const { namespace, nowMs } = request;
    const grant = await grantOf(asked);
    const user = await context.identity.membership(unit, namespace.id, grant.entityId);
    if (user === undefined) {
      return refuse('invalid_request', 'identity entity associated with the request not found');
    }
    if (!(await isAssigned(store, user, client)))
      refuse('invalid_request', 'identity entity not authorized by client assignment');
    checkVerifier(grant, client, verifier);
    const ofScopes = await scopeClaims(store, grant.scopes, user, nowMs);
    // A time of zero would mean "for good".
    const ttlSeconds = Math.max(client.accessTokenTtlSeconds, 1);
    const accessToken = await context.ports.issueAccessToken(
      unit,
      {
        namespaceId: namespace.id,
        entityId: user.entity.id,
        clientId: client.clientId,
        scopes: grant.scopes,
        madeAt: `oidc/provider/${name}/token`,
        usedAt: `identity/oidc/provider/${name}/userinfo`,
        ttlSeconds,
      },
      nowMs,
    );
    const idToken = await signWith(key, {
      ...ofScopes,
      ...asked.claims,
      sub: user.entity.id,
      at_hash: halfHash(key.algorithm, accessToken),
      c_hash: halfHash(key.algorithm, code),
      ...(grant.nonce !== '' && { nonce: grant.nonce }),
      ...(grant.authTime !== 0 && { auth_time: grant.authTime }),
    });
    return {
      access_token: accessToken,
      expires_in: ttlSeconds,
      id_token: idToken,
      token_type: 'Bearer',
    };
  }

  /** RFC 6749 §4.4: a token about the client itself. */
  async function byCredentials(asked: Asking): Promise<JsonObject> {
    const { request, store, provider, client, key } = asked;
    const scopes = wantedScopes(request.fields.scope ?? '', provider);
    const accessToken = await signWith(key, {
      ...(await scopeClaims(store, scopes, undefined, request.nowMs)),
      ...asked.claims,
      sub: client.clientId,
      jti: uuid(context.random),
    });
    return {
      access_token: accessToken,
      expires_in: client.idTokenTtlSeconds,
      token_type: 'Bearer',
    };
  }

  async function exchange(request: ExchangeRequest, unit: Unit): Promise<Reply> {
    const asked = await asking(request, unit);
    const { client } = asked;
    const { grant_type: type = '' } = request.fields;
    if (type !== 'authorization_code' && type !== 'client_credentials') {
      refuse('unsupported_grant_type', 'unsupported grant_type or parameter is empty value');
    }
    const allowed =
      type === 'authorization_code' ? client.authorizationCode : client.clientCredentials;
    // A public client cannot prove who it is: whoever knows its id would get its tokens.
    if (!allowed || (type === 'client_credentials' && client.type === 'public'))
      refuse('invalid_grant', 'client is not authorized to use given credentials flow');
    const data = type === 'authorization_code' ? await byCode(asked) : await byCredentials(asked);
    return { bare: true, data, headers: TOKEN_HEADERS };
  }

  return [
    defineSystemPath({
      pattern: 'oidc/provider/{name}/token',
      fields: {
        name: { kind: 'string', description: 'Name of the provider.' },
        code: {
          kind: 'string',
          description: 'Code of the authorization endpoint.',
          sensitive: true,
        },
        grant_type: {
          kind: 'string',
          description: 'What is exchanged: authorization_code or client_credentials.',
        },
        redirect_uri: {
          kind: 'string',
          description: 'The address that the code was asked for with.',
        },
        code_verifier: {
          kind: 'string',
          description: 'PKCE verifier (RFC 7636).',
          sensitive: true,
        },
        scope: { kind: 'string', description: 'For client_credentials: the scopes.' },
        client_id: {
          kind: 'string',
          description: 'Client id, unless it stands in the Authorization header.',
        },
        client_secret: {
          kind: 'string',
          description: 'Secret of a confidential client, unless it stands in that header.',
          sensitive: true,
        },
      },
      help: { synopsis: 'Exchanges a code for tokens.' },
      unauthenticated: true,
      operations: {
        update: {
          summary: 'Get tokens',
          handler: async (request, unit) =>
            await answered(() => exchange(request, unit), tokenError),
        },
      },
    }),
  ];
}
