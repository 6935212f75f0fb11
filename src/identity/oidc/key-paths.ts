/** `identity/oidc/config` and `identity/oidc/key`: the issuer and its signing keys. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { ISSUER_WARNING, checkIssuer } from './issuer.ts';
import type { OidcClient } from './provider-store.ts';
import { KEY_ALGORITHMS, keyWith, rotated } from './named-key.ts';
import { DEFAULT_KEY } from './store.ts';

const DAY_SECONDS = 86_400;
const ROTATION_SECONDS_MIN = 60;
/** A key verifies for at most so many of its rotation periods. */
const VERIFICATION_PERIODS_MAX = 10;
const name = { kind: 'string', description: 'Name of it.' } as const;

interface KeyWish {
  readonly name?: string | undefined;
  readonly rotation_period?: number | undefined;
  readonly verification_ttl?: number | undefined;
  readonly algorithm?: string | undefined;
  readonly allowed_client_ids?: readonly string[] | undefined;
}

export function keyPaths(context: OidcContext): readonly Path<Unit>[] {
  const { random } = context;
  async function writeKey(request: Request<KeyWish>, unit: Unit): Promise<undefined> {
    const { fields, nowMs } = request;
    const key = fields.name ?? '';
    const store = context.at(request, unit);
    await store.inTurn();
    const before = await store.keyOrDefault(key, nowMs);
    const settings = {
      algorithm: fields.algorithm ?? before?.algorithm ?? 'RS256',
      rotationSeconds: fields.rotation_period ?? before?.rotationSeconds ?? DAY_SECONDS,
      verificationSeconds: fields.verification_ttl ?? before?.verificationSeconds ?? DAY_SECONDS,
      allowedClientIds: fields.allowed_client_ids ?? before?.allowedClientIds ?? [],
    };
    if (settings.rotationSeconds < ROTATION_SECONDS_MIN)
      throw invalidRequest('rotation_period must be at least one minute');
    if (settings.verificationSeconds > VERIFICATION_PERIODS_MAX * settings.rotationSeconds)
      throw invalidRequest('verification_ttl cannot be longer than 10x rotation_period');
    if (!KEY_ALGORITHMS.includes(settings.algorithm))
      throw invalidRequest('unknown signing algorithm');
    const roles = before === undefined ? [] : await store.rolesOf(key);
    if (roles.some(({ role }) => role.ttl > settings.verificationSeconds)) {
      throw invalidRequest(
        `unable to update key "${key}" because it is currently referenced by one or more roles with a token ttl greater than ${settings.verificationSeconds} seconds`,
      );
    }
    const clients = before === undefined ? [] : await clientsOf(request, unit, key);
    if (clients.some((client) => client.idTokenTtlSeconds > settings.verificationSeconds)) {
      throw invalidRequest(
        `unable to update key "${key}" because it is currently referenced by one or more clients with an id_token_ttl greater than ${settings.verificationSeconds} seconds`,
      );
    }
    await store.putKey(key, await keyWith(settings, before, random, nowMs));
    return undefined;
  }

  /** Clients whose tokens are signed with a key. */
  async function clientsOf(
    request: Pick<Request, 'namespace'>,
    unit: Unit,
    key: string,
  ): Promise<OidcClient[]> {
    const clients = await context.provided(request, unit).clients();
    return clients.filter((client) => client.key === key);
  }

  return [
    defineSystemPath({
      pattern: 'oidc/config[/]',
      fields: {
        issuer: {
          kind: 'string',
          description: 'Scheme, host and port of the issuer; the api address without it.',
        },
      },
      help: { synopsis: 'Shows and sets the issuer of identity tokens.' },
      operations: {
        read: {
          summary: 'Read the issuer',
          handler: async (request, unit) => ({
            data: { issuer: await context.at(request, unit).issuer() },
          }),
        },
        update: {
          summary: 'Set the issuer',
          handler: (request, unit) => {
            const { issuer } = request.fields;
            if (issuer === undefined) return undefined;
            checkIssuer(issuer);
            context.at(request, unit).putIssuer(issuer);
            return issuer === '' ? undefined : { data: null, warnings: [ISSUER_WARNING] };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/key',
      fields: {},
      help: { synopsis: 'Lists the signing keys.' },
      operations: {
        list: {
          summary: 'List signing keys',
          handler: async (request, unit) => ({
            data: { keys: await context.at(request, unit).keyNames() },
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/key/{name}',
      fields: {
        name,
        rotation_period: { kind: 'duration_seconds', description: 'Time between rotations.' },
        verification_ttl: {
          kind: 'duration_seconds',
          description: 'How long a key verifies after it has signed last.',
        },
        algorithm: { kind: 'string', description: 'Signature algorithm.' },
        allowed_client_ids: {
          kind: 'comma_string_list',
          description: 'Client ids of roles that may sign with it; * = all.',
        },
      },
      help: { synopsis: 'Creates, reads, changes and deletes a signing key.' },
      exists: async (request, unit) =>
        (await context.at(request, unit).key(request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a signing key',
          handler: async (request, unit) => {
            const key = await context
              .at(request, unit)
              .keyOrDefault(request.fields.name ?? '', request.nowMs);
            if (key === undefined) throw notFound();
            return {
              data: {
                algorithm: key.algorithm,
                allowed_client_ids: key.allowedClientIds,
                rotation_period: key.rotationSeconds,
                verification_ttl: key.verificationSeconds,
              },
            };
          },
        },
        create: { summary: 'Create a signing key', handler: writeKey },
        update: { summary: 'Change a signing key', handler: writeKey },
        delete: {
          summary: 'Delete a signing key',
          handler: async (request, unit) => {
            const key = request.fields.name ?? '';
            if (key === DEFAULT_KEY)
              throw invalidRequest(`deletion of key "${DEFAULT_KEY}" not allowed`);
            const store = context.at(request, unit);
            await store.inTurn();
            const roles = await store.rolesOf(key);
            if (roles.length > 0) {
              throw invalidRequest(
                `unable to delete key "${key}" because it is currently referenced by these roles: ${roles.map((each) => each.name).join(', ')}`,
              );
            }
            const clients = await clientsOf(request, unit, key);
            if (clients.length > 0) {
              throw invalidRequest(
                `unable to delete key "${key}" because it is currently referenced by these clients: ${clients.map((each) => each.name).join(', ')}`,
              );
            }
            store.deleteKey(key);
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/key/{name}/rotate[/]',
      fields: {
        name,
        verification_ttl: {
          kind: 'duration_seconds',
          description: 'How long the key verifies that signed until now.',
        },
      },
      help: { synopsis: 'Rotates a signing key now.' },
      operations: {
        update: {
          summary: 'Rotate a signing key',
          handler: async (request, unit) => {
            const key = request.fields.name ?? '';
            const store = context.at(request, unit);
            const before = await store.keyOrDefault(key, request.nowMs);
            if (before === undefined) throw invalidRequest(`no named key found at "${key}"`);
            const verificationSeconds = request.fields.verification_ttl;
            await store.putKey(
              key,
              await rotated(before, random, request.nowMs, verificationSeconds),
            );
            return undefined;
          },
        },
      },
    }),
  ];
}
