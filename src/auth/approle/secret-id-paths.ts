/** Paths of secret ids: making, listing, looking up and destroying them, by themselves or by accessor. */
import { cidrInside } from '../../base/cidr.ts';
import { uuid } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { LIST_FIELDS } from '../../model/listing/list-names.ts';
import { parseMetadata } from './metadata.ts';
import { noRole } from './role-paths.ts';
import type { ApprolePorts } from './role-paths.ts';
import { checkedCidrs, fault, roleName, roleOf } from './role.ts';
import type { Role } from './role.ts';
import {
  SECRET_ID_LENGTH_MAX,
  accessorsOf,
  dropSecretId,
  hashOfAccessor,
  putSecretId,
  secretHash,
  secretIdOf,
  shownSecretId,
  tidySecretIds,
} from './secret-id.ts';
import type { SecretId } from './secret-id.ts';
import type { Reply } from '../../model/reply.ts';

const secretId = { kind: 'string', description: 'The secret id.', sensitive: true } as const;
const accessor = { kind: 'string', description: 'Accessor of the secret id.' } as const;

const issueFields = {
  role_name: roleName,
  metadata: {
    kind: 'string',
    description: 'Metadata of the tokens: a JSON object as text, or key=value pairs.',
    default: '',
  },
  cidr_list: {
    kind: 'comma_string_list',
    description: 'Address ranges from which it may be used, inside those of the role.',
    default: [],
  },
  token_bound_cidrs: {
    kind: 'comma_string_list',
    description: 'Address ranges of its tokens, inside those of the role.',
    default: [],
  },
  num_uses: { kind: 'int', description: 'How often it may be used, at most the role’s number.' },
  ttl: { kind: 'duration_seconds', description: 'How long it lives, at most the role’s time.' },
} as const;

interface Wish {
  readonly role_name?: string | undefined;
  readonly metadata: string;
  readonly cidr_list: readonly string[];
  readonly token_bound_cidrs: readonly string[];
  readonly num_uses?: number | undefined;
  readonly ttl?: number | undefined;
}

function limits(role: Stored<Role>, wish: Wish): { numUses: number; ttlSeconds: number } {
  const { num_uses: numUses, ttl } = wish;
  if (numUses !== undefined) {
    if (numUses < 0) throw invalidRequest('num_uses cannot be negative');
    if (role.secretIdNumUses > 0 && (numUses === 0 || numUses > role.secretIdNumUses))
      throw invalidRequest("num_uses cannot be higher than the role's secret_id_num_uses");
  }
  if (ttl !== undefined && role.secretIdTtlSeconds > 0) {
    if (ttl === 0 || ttl > role.secretIdTtlSeconds)
      throw invalidRequest("ttl cannot be longer than the role's secret_id_ttl");
  }
  return {
    numUses: numUses ?? role.secretIdNumUses,
    ttlSeconds: ttl ?? role.secretIdTtlSeconds,
  };
}

function checkInside(cidrs: readonly string[], bounds: readonly string[]): void {
  checkedCidrs(cidrs, 500);
  if (bounds.length > 0 && cidrs.some((cidr) => !cidrInside(cidr, bounds))) {
    throw fault(
      'failed to verify subset relationship between CIDR blocks on the role and CIDR blocks on the secret ID',
    );
  }
}

async function issue(
  ports: ApprolePorts,
  request: Request<Wish>,
  store: Transaction,
  id: string,
): Promise<Reply> {
  const { fields, nowMs } = request;
  const name = fields.role_name ?? '';
  if (id === '') throw invalidRequest('missing secret_id');
  if (id.length > SECRET_ID_LENGTH_MAX) throw invalidRequest('the secret id is too long');
  const role = await roleOf(store, name);
  if (role === undefined) throw noRole(name);
  if (!role.bindSecretId) throw invalidRequest('bind_secret_id is not set on the role');
  checkInside(fields.cidr_list, role.secretIdBoundCidrs ?? []);
  checkInside(fields.token_bound_cidrs, role.settings.token_bound_cidrs);
  const { numUses, ttlSeconds } = limits(role, fields);
  const metadata = parseMetadata(fields.metadata);
  const lifeSeconds = Math.min(ttlSeconds, request.mount.maxLeaseTtlSeconds);
  const hashed = secretHash(ports.hash, role, id);
  if ((await secretIdOf(store, role, hashed)) !== undefined)
    throw fault('failed to store secret_id: SecretID is already registered');
  const secret: SecretId = {
    accessor: uuid(ports.random),
    numUses,
    ttlSeconds,
    createdMs: nowMs,
    expiresMs: ttlSeconds === 0 ? 0 : nowMs + lifeSeconds * 1000,
    updatedMs: nowMs,
    metadata,
    cidrs: fields.cidr_list,
    tokenCidrs: fields.token_bound_cidrs,
  };
  putSecretId(store, role, hashed, secret);
  return {
    data: {
      secret_id: id,
      secret_id_accessor: secret.accessor,
      secret_id_num_uses: numUses,
      secret_id_ttl: lifeSeconds,
    },
  };
}

/** The role of a lookup. @throws {RequestError} */
async function roleFor(
  request: Request<{ readonly role_name?: string | undefined }>,
  store: Reader,
): Promise<Stored<Role>> {
  const name = request.fields.role_name ?? '';
  const role = await roleOf(store, name);
  if (role === undefined) throw fault(`role "${name}" does not exist`);
  return role;
}

const NO_ACCESSOR = 'failed to find accessor entry for secret_id_accessor';

export function secretIdPaths(ports: ApprolePorts): readonly Path[] {
  async function destroy(
    request: Request<{
      readonly role_name?: string | undefined;
      readonly secret_id?: string | undefined;
    }>,
    store: Transaction,
  ): Promise<undefined> {
    const id = request.fields.secret_id ?? '';
    if (id === '') throw invalidRequest('missing secret_id');
    const role = await roleFor(request, store);
    const hashed = secretHash(ports.hash, role, id);
    const secret = await secretIdOf(store, role, hashed);
    if (secret !== undefined) dropSecretId(store, role, hashed, secret.accessor);
  }

  async function destroyByAccessor(
    request: Request<{
      readonly role_name?: string | undefined;
      readonly secret_id_accessor?: string | undefined;
    }>,
    store: Transaction,
  ): Promise<undefined> {
    const wanted = request.fields.secret_id_accessor ?? '';
    if (wanted === '') throw invalidRequest('missing secret_id_accessor');
    const role = await roleFor(request, store);
    const hashed = await hashOfAccessor(store, role, wanted);
    if (hashed === undefined) throw fault(NO_ACCESSOR);
    dropSecretId(store, role, hashed, wanted);
  }

  return [
    definePath({
      pattern: 'role/{role_name}/secret-id',
      fields: { ...issueFields, ...LIST_FIELDS },
      help: { synopsis: 'Makes a random secret id for a role, or lists the accessors of all.' },
      operations: {
        update: {
          summary: 'Make a secret id',
          handler: (request, store) => issue(ports, request, store, uuid(ports.random)),
        },
        list: {
          summary: 'List accessors of secret ids',
          handler: async (request, store) => {
            const name = request.fields.role_name ?? '';
            const role = await roleOf(store, name);
            if (role === undefined) throw invalidRequest(`role "${name}" does not exist`);
            const keys = await accessorsOf(store, role, request.fields);
            if (keys.length === 0) throw notFound();
            return { data: { keys } };
          },
        },
      },
    }),
    definePath({
      pattern: 'role/{role_name}/custom-secret-id',
      fields: { ...issueFields, secret_id: secretId },
      help: { synopsis: 'Registers a secret id of the caller’s choice for a role.' },
      operations: {
        update: {
          summary: 'Register a secret id',
          handler: (request, store) => issue(ports, request, store, request.fields.secret_id ?? ''),
        },
      },
    }),
    definePath({
      pattern: 'role/{role_name}/secret-id/lookup[/]',
      fields: { role_name: roleName, secret_id: secretId },
      help: { synopsis: 'Shows the settings of a secret id.' },
      operations: {
        update: {
          summary: 'Look a secret id up',
          handler: async (request, store): Promise<Reply | undefined> => {
            const id = request.fields.secret_id ?? '';
            if (id === '') throw invalidRequest('missing secret_id');
            const role = await roleFor(request, store);
            const secret = await secretIdOf(store, role, secretHash(ports.hash, role, id));
            return secret === undefined ? undefined : { data: shownSecretId(secret) };
          },
        },
      },
    }),
    definePath({
      pattern: 'role/{role_name}/secret-id/destroy[/]',
      fields: { role_name: roleName, secret_id: secretId },
      help: { synopsis: 'Destroys a secret id.' },
      operations: {
        update: { summary: 'Destroy a secret id', handler: destroy },
        delete: { summary: 'Destroy a secret id (as a deletion)', handler: destroy },
      },
    }),
    definePath({
      pattern: 'role/{role_name}/secret-id-accessor/lookup[/]',
      fields: { role_name: roleName, secret_id_accessor: accessor },
      help: { synopsis: 'Shows the settings of the secret id behind an accessor of the role.' },
      operations: {
        update: {
          summary: 'Look a secret id up by accessor',
          handler: async (request, store): Promise<Reply> => {
            const wanted = request.fields.secret_id_accessor ?? '';
            if (wanted === '') throw invalidRequest('missing secret_id_accessor');
            const role = await roleFor(request, store);
            const hashed = await hashOfAccessor(store, role, wanted);
            const secret = hashed === undefined ? undefined : await secretIdOf(store, role, hashed);
            if (secret === undefined) return { status: 404, data: { error: NO_ACCESSOR } };
            return { data: shownSecretId(secret) };
          },
        },
      },
    }),
    definePath({
      pattern: 'role/{role_name}/secret-id-accessor/destroy',
      fields: { role_name: roleName, secret_id_accessor: accessor },
      help: { synopsis: 'Destroys the secret id behind an accessor of the role.' },
      operations: {
        update: { summary: 'Destroy a secret id by accessor', handler: destroyByAccessor },
        delete: {
          summary: 'Destroy a secret id by accessor (as a deletion)',
          handler: destroyByAccessor,
        },
      },
    }),
    definePath({
      pattern: 'tidy/secret-id',
      fields: {},
      help: {
        synopsis: 'Removes expired secret ids. They are of no use before, only room.',
      },
      operations: {
        update: {
          summary: 'Remove expired secret ids',
          handler: async (request, store) => {
            await tidySecretIds(store, request.nowMs);
            return {
              status: 202,
              data: null,
              warnings: [
                'Tidy operation successfully started. It looks at a bounded number of secret ids; call again for more.',
              ],
            };
          },
        },
      },
    }),
  ];
}
