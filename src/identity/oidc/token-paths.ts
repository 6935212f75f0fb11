/** `identity/oidc`: roles and tokens that say who somebody is, and what others need to believe them. */
import { decodeBase64Text } from '../../base/base64-text.ts';
import { base62 } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { claimsOf, parseJws, verifyWithAny } from '../../crypto/jws.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { KEY_ALGORITHMS, publishedKeys, signWith, verifyKeys } from './named-key.ts';
import { TemplateError, checkTemplate, fillTemplate } from './template.ts';
import type { Reply } from '../../model/reply.ts';

const DAY_SECONDS = 86_400;
const CLIENT_ID_LENGTH = 26;
/** How long others may keep the discovery document. */
const DISCOVERY_SECONDS = 3600;

const name = { kind: 'string', description: 'Name of it.' } as const;

interface RoleWish {
  readonly name?: string | undefined;
  readonly key?: string | undefined;
  readonly template?: string | undefined;
  readonly client_id?: string | undefined;
  readonly ttl?: number | undefined;
}

export function tokenPaths(context: OidcContext): readonly Path<Unit>[] {
  const { random } = context;
  async function writeRole(request: Request<RoleWish>, unit: Unit): Promise<undefined> {
    const { fields } = request;
    const roleName = fields.name ?? '';
    const store = context.at(request, unit);
    const before = await store.role(roleName);
    const key = fields.key ?? before?.key ?? '';
    if (key === '') throw invalidRequest('the key parameter is required');
    const sent = fields.template ?? before?.template ?? '';
    const template = decodeBase64Text(sent) ?? sent;
    try {
      checkTemplate(template);
    } catch (error) {
      if (error instanceof TemplateError) throw invalidRequest(error.message);
      throw error;
    }
    await store.inTurn();
    const signing = await store.keyOrDefault(key, request.nowMs);
    if (signing === undefined) throw invalidRequest(`cannot find key "${key}"`);
    const ttl = fields.ttl ?? before?.ttl ?? DAY_SECONDS;
    if (ttl > signing.verificationSeconds) {
      throw invalidRequest(
        "a role's token ttl cannot be longer than the verification_ttl of the key it references",
      );
    }
    const chosen = fields.client_id ?? before?.client_id ?? '';
    const clientId = chosen === '' ? base62(random, CLIENT_ID_LENGTH) : chosen;
    await store.putRole(roleName, { key, template, client_id: clientId, ttl });
    return undefined;
  }

  async function token(
    request: Request<{ readonly name?: string | undefined }>,
    unit: Unit,
  ): Promise<Reply> {
    const { nowMs, principal } = request;
    const roleName = request.fields.name ?? '';
    const store = context.at(request, unit);
    const role = await store.role(roleName);
    if (role === undefined) throw invalidRequest(`role "${roleName}" not found`);
    const key = await store.signingKey(role.key, nowMs);
    if (key === undefined) throw invalidRequest(`key "${role.key}" not found`);
    if (!key.allowedClientIds.includes('*') && !key.allowedClientIds.includes(role.client_id)) {
      throw invalidRequest(
        `the key "${role.key}" does not list the client ID of the role "${roleName}" as an allowed client ID`,
      );
    }
    const entityId = principal?.entityId ?? '';
    const found =
      entityId === '' || principal?.tokenNamespace.id !== request.namespace.id
        ? undefined
        : await context.identity.membership(unit, request.namespace.id, entityId);
    if (found === undefined) throw invalidRequest("no entity associated with the request's token");
    const iat = Math.floor(nowMs / 1000);
    const ttl = Math.min(role.ttl, key.verificationSeconds);
    const claims: JsonObject = {
      ...fillTemplate(role.template, { ...found, nowMs }),
      aud: role.client_id,
      exp: iat + ttl,
      iat,
      iss: await context.issuer(request, unit),
      namespace: request.namespace.id,
      sub: found.entity.id,
    };
    return { data: { client_id: role.client_id, token: await signWith(key, claims), ttl } };
  }

  /** Undefined when the token is good, else why not: in the words of the reference, which tools compare. */
  async function fault(
    request: Request<{ readonly token: string; readonly client_id: string }>,
    unit: Unit,
  ): Promise<string | undefined> {
    const jws = parseJws(request.fields.token);
    if (jws === undefined)
      return 'error parsing token: go-jose/go-jose: compact JWS format must have three parts';
    const store = context.at(request, unit);
    const keys = (await store.keys()).flatMap((key) => verifyKeys(key, request.nowMs));
    if (jws.keyId === undefined || !(await verifyWithAny(jws, keys)))
      return 'unable to validate the token signature';
    const claims = claimsOf(jws) ?? {};
    const { iss, exp, sub, aud } = claims as Record<string, unknown>;
    if (iss !== (await context.issuer(request, unit)))
      return 'error validating claims: invalid issuer';
    if (typeof exp !== 'number' || request.nowMs >= exp * 1000)
      return 'error validating claims: token is expired';
    if (request.fields.client_id !== '' && aud !== request.fields.client_id)
      return 'error validating claims: go-jose/go-jose/jwt: validation failed, invalid audience claim (aud)';
    const found =
      typeof sub === 'string'
        ? await context.identity.membership(unit, request.namespace.id, sub)
        : undefined;
    if (found === undefined) return 'entity was not found';
    return found.entity.disabled ? 'entity is disabled' : undefined;
  }

  return [
    defineSystemPath({
      pattern: 'oidc/role',
      fields: {},
      help: { synopsis: 'Lists the roles of identity tokens.' },
      operations: {
        list: {
          summary: 'List token roles',
          handler: async (request, unit) => {
            const keys = await context.at(request, unit).roleNames();
            if (keys.length === 0) throw notFound();
            return { data: { keys } };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/role/{name}',
      fields: {
        name,
        key: { kind: 'string', description: 'Name of the signing key.' },
        template: {
          kind: 'string',
          description: 'Further claims: JSON with directives, or that in base64.',
        },
        client_id: { kind: 'string', description: 'Audience of the tokens; random without it.' },
        ttl: { kind: 'duration_seconds', description: 'How long a token is good.' },
      },
      help: { synopsis: 'Creates, reads, changes and deletes a role of identity tokens.' },
      exists: async (request, unit) =>
        (await context.at(request, unit).role(request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a token role',
          handler: async (request, unit) => {
            const role = await context.at(request, unit).role(request.fields.name ?? '');
            if (role === undefined) throw notFound();
            return { data: { ...role } };
          },
        },
        create: { summary: 'Create a token role', handler: writeRole },
        update: { summary: 'Change a token role', handler: writeRole },
        delete: {
          summary: 'Delete a token role',
          handler: (request, unit) => {
            context.at(request, unit).deleteRole(request.fields.name ?? '');
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/token/{name}',
      fields: { name },
      help: { synopsis: 'Makes an identity token of the caller’s entity.' },
      operations: { read: { summary: 'Make an identity token', handler: token } },
    }),
    defineSystemPath({
      pattern: 'oidc/introspect[/]',
      fields: {
        token: { kind: 'string', description: 'The token.', default: '' },
        client_id: { kind: 'string', description: 'Audience that it must have.', default: '' },
      },
      help: { synopsis: 'Says whether an identity token is good.' },
      operations: {
        update: {
          summary: 'Judge an identity token',
          handler: async (request, unit) => {
            const error = await fault(request, unit);
            return {
              bare: true,
              data: error === undefined ? { active: true } : { active: false, error },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/.well-known/openid-configuration[/]',
      fields: {},
      help: { synopsis: 'Describes this server as an issuer.' },
      unauthenticated: true,
      operations: {
        read: {
          summary: 'Read the discovery document',
          handler: async (request, unit) => {
            const issuer = await context.issuer(request, unit);
            return {
              bare: true,
              data: {
                issuer,
                jwks_uri: `${issuer}/.well-known/keys`,
                response_types_supported: ['id_token'],
                subject_types_supported: ['public'],
                id_token_signing_alg_values_supported: KEY_ALGORITHMS,
              },
              headers: { 'Cache-Control': `max-age=${DISCOVERY_SECONDS}` },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/.well-known/keys[/]',
      fields: {},
      help: { synopsis: 'Publishes the keys that verify identity tokens.' },
      unauthenticated: true,
      operations: {
        read: {
          summary: 'Read the key set',
          handler: async (request, unit) => {
            const keys = await context.at(request, unit).keysInUse();
            return { bare: true, data: { keys: publishedKeys(keys, request.nowMs) } };
          },
        },
      },
    }),
  ];
}
