/** `identity/oidc/client`: the applications whose users log in here (relying parties). */
import { base62 } from '../../base/random.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { distinctNames } from './names.ts';
import type { ClientType, OidcClient } from './provider-store.ts';
import { DEFAULT_KEY } from './store.ts';

const DAY_SECONDS = 86_400;
const CLIENT_ID_LENGTH = 32;
const CLIENT_SECRET_LENGTH = 64;
/** Scanners for leaked secrets know it. */
const CLIENT_SECRET_PREFIX = 'hvo_secret_';
/** Redirect addresses, and assignments, of one client. */
const LISTED_MAX = 1000;

const fields = {
  name: { kind: 'string', description: 'Name of the client.' },
  redirect_uris: {
    kind: 'comma_string_list',
    description:
      'Addresses that a login may lead back to. A request must name exactly one of them; of loopback addresses the port does not count.',
  },
  assignments: {
    kind: 'comma_string_list',
    description: 'Who may log in: names of assignments, or allow_all.',
  },
  key: { kind: 'string', description: 'Name of the key that signs its tokens; stays as it is.' },
  id_token_ttl: { kind: 'duration_seconds', description: 'How long an ID token is good.' },
  access_token_ttl: { kind: 'duration_seconds', description: 'How long an access token is good.' },
  client_type: {
    kind: 'string',
    description: 'A confidential client has a secret, a public one has none and must use PKCE.',
  },
  authorization_code: { kind: 'bool', description: 'Users may log in to it.' },
  client_credentials: { kind: 'bool', description: 'It may get tokens of its own.' },
} as const;

interface ClientWish {
  readonly name?: string | undefined;
  readonly redirect_uris?: readonly string[] | undefined;
  readonly assignments?: readonly string[] | undefined;
  readonly key?: string | undefined;
  readonly id_token_ttl?: number | undefined;
  readonly access_token_ttl?: number | undefined;
  readonly client_type?: string | undefined;
  readonly authorization_code?: boolean | undefined;
  readonly client_credentials?: boolean | undefined;
}

function typeOf(wanted: string | undefined, before: OidcClient | undefined): ClientType {
  if (before !== undefined) {
    if (wanted !== undefined && wanted !== before.type)
      throw invalidRequest('client_type modification is not allowed');
    return before.type;
  }
  const type = wanted ?? 'confidential';
  if (type !== 'confidential' && type !== 'public')
    throw invalidRequest(`invalid client_type "${type}"`);
  return type;
}

function distinct(names: readonly string[], what: string): readonly string[] {
  const each = distinctNames(names);
  if (each.length > LISTED_MAX) throw invalidRequest(`at most ${LISTED_MAX} ${what} are allowed`);
  return each;
}

/** A client as callers see it, without its secret. */
function shown(client: OidcClient): Record<string, unknown> {
  return {
    access_token_ttl: client.accessTokenTtlSeconds,
    assignments: client.assignments,
    authorization_code: client.authorizationCode,
    client_credentials: client.clientCredentials,
    client_id: client.clientId,
    client_type: client.type,
    id_token_ttl: client.idTokenTtlSeconds,
    key: client.key,
    redirect_uris: client.redirectUris,
  };
}

export function clientPaths(context: OidcContext): readonly Path<Unit>[] {
  const { random } = context;

  async function write(request: Request<ClientWish>, unit: Unit): Promise<undefined> {
    const wish = request.fields;
    const { name = '' } = wish;
    const store = context.provided(request, unit);
    await context.at(request, unit).inTurn();
    const before = await store.client(name);
    const assignments = distinct(wish.assignments ?? before?.assignments ?? [], 'assignments');
    for (const assignment of assignments) {
      if ((await store.assignment(assignment)) === undefined)
        throw invalidRequest(`assignment "${assignment}" does not exist`);
    }
    const key = wish.key ?? before?.key ?? DEFAULT_KEY;
    if (before !== undefined && key !== before.key)
      throw invalidRequest('key modification is not allowed');
    const signing = await context.at(request, unit).keyOrDefault(key, request.nowMs);
    if (signing === undefined) throw invalidRequest(`key "${key}" does not exist`);
    const idTokenTtlSeconds = wish.id_token_ttl ?? before?.idTokenTtlSeconds ?? DAY_SECONDS;
    if (idTokenTtlSeconds > signing.verificationSeconds) {
      throw invalidRequest(
        "a client's id_token_ttl cannot be greater than the verification_ttl of the key it references",
      );
    }
    const type = typeOf(wish.client_type, before);
    await store.putClient({
      name,
      redirectUris: distinct(wish.redirect_uris ?? before?.redirectUris ?? [], 'redirect_uris'),
      assignments,
      key,
      idTokenTtlSeconds,
      accessTokenTtlSeconds: wish.access_token_ttl ?? before?.accessTokenTtlSeconds ?? DAY_SECONDS,
      type,
      authorizationCode: wish.authorization_code ?? before?.authorizationCode ?? true,
      clientCredentials: wish.client_credentials ?? before?.clientCredentials ?? false,
      clientId: before?.clientId ?? base62(random, CLIENT_ID_LENGTH),
      clientSecret:
        before?.clientSecret ??
        (type === 'public' ? '' : CLIENT_SECRET_PREFIX + base62(random, CLIENT_SECRET_LENGTH)),
    });
    return undefined;
  }

  return [
    defineSystemPath({
      pattern: 'oidc/client',
      fields: {},
      help: { synopsis: 'Lists the clients.' },
      operations: {
        list: {
          summary: 'List clients',
          handler: async (request, unit) => {
            const clients = await context.provided(request, unit).clients();
            if (clients.length === 0) throw notFound();
            return {
              data: {
                key_info: Object.fromEntries(clients.map((each) => [each.name, shown(each)])),
                keys: clients.map((each) => each.name),
              },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/client/{name}',
      fields,
      help: { synopsis: 'Creates, reads, changes and deletes a client.' },
      exists: async (request, unit) =>
        (await context.provided(request, unit).client(request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a client, its secret included',
          handler: async (request, unit) => {
            const client = await context.provided(request, unit).client(request.fields.name ?? '');
            if (client === undefined) throw notFound();
            const secret =
              client.type === 'confidential' ? { client_secret: client.clientSecret } : {};
            return { data: { ...shown(client), ...secret } };
          },
        },
        create: { summary: 'Create a client', handler: write },
        update: { summary: 'Change a client', handler: write },
        delete: {
          summary: 'Delete a client',
          handler: async (request, unit) => {
            await context.provided(request, unit).deleteClient(request.fields.name ?? '');
            return undefined;
          },
        },
      },
    }),
  ];
}
