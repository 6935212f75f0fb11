/** `identity/oidc/provider`: OpenID providers, what they say of themselves and the keys that verify their tokens. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { ISSUER_WARNING, checkIssuer } from './issuer.ts';
import { distinctNames } from './names.ts';
import { KEY_ALGORITHMS, publishedKeys } from './named-key.ts';
import { DEFAULT_PROVIDER, OPENID_SCOPE } from './provider-store.ts';
import type { OidcProvider, ProviderStore } from './provider-store.ts';
import { templateClaims } from './template.ts';
import type { Reply } from '../../model/reply.ts';

/** How long others may keep the discovery document. */
const DISCOVERY_SECONDS = 3600;

const name = { kind: 'string', description: 'Name of the provider.' } as const;

interface ProviderWish {
  readonly name?: string | undefined;
  readonly issuer?: string | undefined;
  readonly allowed_client_ids?: readonly string[] | undefined;
  readonly scopes_supported?: readonly string[] | undefined;
}

export function allowsClient(provider: OidcProvider, clientId: string): boolean {
  return provider.allowedClientIds.includes('*') || provider.allowedClientIds.includes(clientId);
}

/** Warnings about claims that several scopes make. @throws {RequestError} when a scope does not exist */
async function conflictWarnings(
  store: ProviderStore,
  scopes: readonly string[],
): Promise<string[]> {
  const owners = new Map<string, string>();
  const warnings: string[] = [];
  for (const scopeName of scopes) {
    const scope = await store.scope(scopeName);
    if (scope === undefined) throw invalidRequest(`scope "${scopeName}" does not exist`);
    for (const claim of templateClaims(scope.template)) {
      const owner = owners.get(claim);
      if (owner !== undefined && owner !== scopeName) {
        warnings.push(
          `Found scope templates with conflicting top-level keys: conflict "${claim}" in scopes "${scopeName}", "${owner}". This may result in an error if the scopes are requested in an OIDC Authentication Request.`,
        );
      }
      owners.set(claim, scopeName);
    }
  }
  return warnings;
}

export function providerPaths(context: OidcContext): readonly Path<Unit>[] {
  async function write(request: Request<ProviderWish>, unit: Unit): Promise<Reply | undefined> {
    const wish = request.fields;
    const store = context.provided(request, unit);
    await context.at(request, unit).inTurn();
    const before = await store.provider(wish.name ?? '');
    const provider: OidcProvider = {
      issuer: wish.issuer ?? before?.issuer ?? '',
      allowedClientIds: distinctNames(wish.allowed_client_ids ?? before?.allowedClientIds ?? []),
      scopesSupported: distinctNames(wish.scopes_supported ?? before?.scopesSupported ?? []),
    };
    checkIssuer(provider.issuer);
    const warnings = [
      ...(provider.issuer === '' ? [] : [ISSUER_WARNING]),
      ...(await conflictWarnings(store, provider.scopesSupported)),
    ];
    await store.put('provider', wish.name ?? '', provider);
    return warnings.length === 0 ? undefined : { data: null, warnings };
  }

  function shown(request: Request, id: string, provider: OidcProvider): Record<string, unknown> {
    return {
      allowed_client_ids: provider.allowedClientIds,
      issuer: context.providerIssuer(request, id, provider),
      scopes_supported: provider.scopesSupported,
    };
  }

  async function discovery(
    request: Request<{ readonly name?: string | undefined }>,
    unit: Unit,
  ): Promise<Reply> {
    const { name: id = '' } = request.fields;
    const provider = await context.provided(request, unit).provider(id);
    if (provider === undefined) throw notFound();
    const issuer = context.providerIssuer(request, id, provider);
    return {
      bare: true,
      data: {
        issuer,
        jwks_uri: `${issuer}/.well-known/keys`,
        authorization_endpoint: `${issuer.replace('/v1/', '/ui/vault/')}/authorize`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userinfo`,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        id_token_signing_alg_values_supported: KEY_ALGORITHMS,
        response_types_supported: ['code'],
        scopes_supported: [...provider.scopesSupported, OPENID_SCOPE],
        claims_supported: [],
        subject_types_supported: ['public'],
        grant_types_supported: ['authorization_code'],
        token_endpoint_auth_methods_supported: [
          'none',
          'client_secret_basic',
          'client_secret_post',
        ],
      },
      headers: { 'Cache-Control': `max-age=${DISCOVERY_SECONDS}` },
    };
  }

  /** Keys of the clients that may use the provider: nobody else's tokens are its own. */
  async function keys(
    request: Request<{ readonly name?: string | undefined }>,
    unit: Unit,
  ): Promise<Reply> {
    const store = context.provided(request, unit);
    const provider = await store.provider(request.fields.name ?? '');
    if (provider === undefined) throw notFound();
    const clients = (await store.clients()).filter((each) => allowsClient(provider, each.clientId));
    const named = [];
    for (const keyName of new Set(clients.map((each) => each.key))) {
      const key = await context.at(request, unit).key(keyName);
      if (key !== undefined) named.push(key);
    }
    return { bare: true, data: { keys: publishedKeys(named, request.nowMs) } };
  }

  return [
    defineSystemPath({
      pattern: 'oidc/provider',
      fields: {
        allowed_client_id: {
          kind: 'string',
          description: 'For listing: only providers that this client may use.',
        },
      },
      help: { synopsis: 'Lists the providers.' },
      operations: {
        list: {
          summary: 'List providers',
          handler: async (request, unit) => {
            const { allowed_client_id: clientId = '' } = request.fields;
            const all = await context.provided(request, unit).providers();
            const found = all.filter(
              (each) => clientId === '' || allowsClient(each.provider, clientId),
            );
            return {
              data: {
                key_info: Object.fromEntries(
                  found.map((each) => [each.name, shown(request, each.name, each.provider)]),
                ),
                keys: found.map((each) => each.name),
              },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/provider/{name}',
      fields: {
        name,
        issuer: {
          kind: 'string',
          description: 'Scheme, host and port of the issuer; the api address without it.',
        },
        allowed_client_ids: {
          kind: 'comma_string_list',
          description: 'Client ids of the clients that may use it; * = all.',
        },
        scopes_supported: {
          kind: 'comma_string_list',
          description: 'Scopes that can be asked for.',
        },
      },
      help: { synopsis: 'Creates, reads, changes and deletes a provider.' },
      exists: async (request, unit) =>
        (await context.provided(request, unit).provider(request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a provider',
          handler: async (request, unit) => {
            const id = request.fields.name ?? '';
            const provider = await context.provided(request, unit).provider(id);
            if (provider === undefined) throw notFound();
            return { data: shown(request, id, provider) };
          },
        },
        create: { summary: 'Create a provider', handler: write },
        update: { summary: 'Change a provider', handler: write },
        delete: {
          summary: 'Delete a provider',
          handler: (request, unit) => {
            const id = request.fields.name ?? '';
            if (id === DEFAULT_PROVIDER)
              throw invalidRequest(`deletion of OIDC provider "${id}" not allowed`);
            context.provided(request, unit).delete('provider', id);
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/provider/{name}/.well-known/openid-configuration',
      fields: { name },
      help: { synopsis: 'Describes a provider to its clients.' },
      unauthenticated: true,
      operations: { read: { summary: 'Read the discovery document', handler: discovery } },
    }),
    defineSystemPath({
      pattern: 'oidc/provider/{name}/.well-known/keys',
      fields: { name },
      help: { synopsis: 'Publishes the keys that verify a provider’s tokens.' },
      unauthenticated: true,
      operations: { read: { summary: 'Read the key set', handler: keys } },
    }),
  ];
}
