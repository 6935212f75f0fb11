/** `auth/token/create`, `create-orphan`, `create/:role`: a token from a token. */
import { parseGoDuration, parseSeconds } from '../../base/duration.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import { SERVICE_PREFIX, BATCH_PREFIX, isExpired } from '../../tokens/token-record.ts';
import type { TokenRecord, TokenType } from '../../tokens/token-record.ts';
import { effectiveTtl, smaller } from '../../tokens/ttl.ts';
import { globMatches } from '../../policy/list-glob.ts';
import { grantedPolicies } from './policies.ts';
import { issuedAuth } from './ports.ts';
import type { TokenPorts } from './ports.ts';
import { tokenRole } from './roles.ts';
import type { TokenRole } from './roles.ts';
import type { Reply } from '../../model/reply.ts';

const fields = {
  role_name: { kind: 'string', description: 'Name of the role to create the token under.' },
  id: {
    kind: 'string',
    description: 'The token itself, chosen by the caller; needs root or sudo.',
    sensitive: true,
  },
  policies: {
    kind: 'string_list',
    description: 'Policies of the token; those of the parent when none are given.',
  },
  meta: { kind: 'string_map', description: 'Metadata, also shown in audit records.' },
  no_parent: { kind: 'bool', description: 'Make an orphan; needs root or sudo.', default: false },
  no_default_policy: {
    kind: 'bool',
    description: 'Do not add the policy "default".',
    default: false,
  },
  renewable: { kind: 'bool', description: 'Whether the token can be renewed.', default: true },
  lease: { kind: 'string', description: 'Old name of ttl.', deprecated: true },
  ttl: { kind: 'string', description: 'How long the token lives until it is renewed.' },
  explicit_max_ttl: { kind: 'string', description: 'No renewal goes beyond this age.' },
  period: {
    kind: 'string',
    description: 'Renewals reset the TTL to this, without end; needs root or sudo.',
  },
  type: { kind: 'string', description: 'service or batch.' },
  display_name: { kind: 'string', description: 'Name in audit records.' },
  num_uses: { kind: 'int', description: 'Most uses; 0 = without limit.', default: 0 },
  entity_alias: {
    kind: 'string',
    description: 'Alias of the entity that the token acts for; only with a role.',
  },
} as const;

type Fields = {
  readonly role_name?: string | undefined;
  readonly id?: string | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
  readonly no_parent: boolean;
  readonly no_default_policy: boolean;
  readonly renewable: boolean;
  readonly lease?: string | undefined;
  readonly ttl?: string | undefined;
  readonly explicit_max_ttl?: string | undefined;
  readonly period?: string | undefined;
  readonly type?: string | undefined;
  readonly display_name?: string | undefined;
  readonly num_uses: number;
  readonly entity_alias?: string | undefined;
};

/** Longest display name. */
const DISPLAY_NAME_MAX = 256;

function seconds(text: string | undefined, name: string): number {
  if (text === undefined || text === '') return 0;
  const parsed = parseSeconds(text);
  if (parsed === undefined) throw invalidRequest(`${name} is not a valid duration`);
  if (parsed < 0) throw invalidRequest(`${name} must be positive`);
  // Whole seconds are kept, and 0 stands for no bound: what is shorter than a second must not become that.
  if (parsed === 0 && (parseGoDuration(text) ?? 0) > 0) return 1;
  return parsed;
}

function typeOf(given: string | undefined, role: Stored<TokenRole> | undefined): TokenType {
  let type = given ?? '';
  if (role?.token_type === 'service' || role?.token_type === 'batch') type = role.token_type;
  if (type === '') type = role?.token_type === 'default-batch' ? 'batch' : 'service';
  if (type !== 'service' && type !== 'batch') throw invalidRequest("invalid 'token_type' value");
  return type;
}

function displayName(given: string | undefined): string {
  if (given === undefined || given === '') return 'token';
  if (given.length > DISPLAY_NAME_MAX) throw invalidRequest('display_name is too long');
  return `token-${given}`.replace(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '');
}

const CHOSEN_ID =
  'Supplying a custom ID for the token is weaker than a random one: whoever can guess it has the token.';

function checkCustomId(id: string, request: Request<unknown>): void {
  if (!request.sudo) throw invalidRequest('root or sudo privileges required to specify token id');
  if (request.namespace.path !== '') {
    throw invalidRequest('token IDs can only be manually specified in the root namespace');
  }
  for (const prefix of [SERVICE_PREFIX, BATCH_PREFIX, 'r.']) {
    if (id.startsWith(prefix))
      throw invalidRequest(`custom token ID cannot have the '${prefix}' prefix`);
  }
  if (id.includes('.')) throw invalidRequest("custom token ID cannot have a '.' in the value");
  if (/[^\u0020-\u007e]|^ | $/.test(id))
    throw invalidRequest('custom token ID must be printable, without spaces around it');
}

async function entityOf(
  ports: TokenPorts,
  unit: Unit,
  request: Request<Fields>,
  role: Stored<TokenRole> | undefined,
): Promise<string | undefined> {
  const alias = request.fields.entity_alias;
  if (alias === undefined || alias === '') return undefined;
  if (role === undefined)
    throw invalidRequest("'entity_alias' is only allowed in combination with token role");
  const lower = alias.toLowerCase();
  const allowed = (role.allowed_entity_aliases ?? []).some((glob) => globMatches(glob, lower));
  if (!allowed) throw invalidRequest("invalid 'entity_alias' value");
  return await ports.entityOfAlias(unit, request, alias);
}

/** The token of the caller, which one that shows a credential does not know itself. */
async function callersToken(
  ports: TokenPorts,
  unit: Unit,
  { principal, clientToken, evidence, nowMs }: Request<Fields>,
): Promise<Stored<TokenRecord> | undefined> {
  if (principal === undefined) return undefined;
  if (clientToken !== undefined) return await ports.tokens.lookup(unit, clientToken, nowMs);
  if (evidence === undefined) return undefined;
  const ref = { id: principal.tokenId, namespaceId: principal.tokenNamespace.id };
  return await ports.tokens.byRef(unit, ref, nowMs);
}

async function parentOf(
  ports: TokenPorts,
  unit: Unit,
  request: Request<Fields>,
): Promise<Stored<TokenRecord>> {
  const parent = await callersToken(ports, unit, request);
  if (parent === undefined) throw permissionDenied();
  if (parent.type === 'batch') throw invalidRequest('batch tokens cannot create more tokens');
  if (parent.numUses !== 0)
    throw invalidRequest('restricted use token cannot generate child tokens');
  if (parent.namespaceId !== request.namespace.id && !request.sudo) {
    throw invalidRequest(
      'root or sudo privileges required to directly generate a token in a child namespace',
    );
  }
  return parent;
}

async function create(
  ports: TokenPorts,
  unit: Unit,
  request: Request<Fields>,
  orphanPath: boolean,
  role: Stored<TokenRole> | undefined,
): Promise<Reply> {
  const f = request.fields;
  const parent = await parentOf(ports, unit, request);
  const type = typeOf(f.type, role);
  const explicit = seconds(f.explicit_max_ttl, 'explicit_max_ttl');
  const period = seconds(f.period, 'period');
  if (type === 'batch') {
    const bad =
      explicit !== 0
        ? 'explicit_max_ttl'
        : f.num_uses !== 0
          ? 'num_uses'
          : period !== 0
            ? 'period'
            : '';
    if (bad !== '') throw invalidRequest(`batch tokens cannot have "${bad}" set`);
  }
  if (f.num_uses < 0) throw invalidRequest('number of uses cannot be negative');
  const entityId = await entityOf(ports, unit, request, role);
  const warnings: string[] = [];
  const customId = f.id === undefined || f.id === '' ? undefined : f.id;
  if (customId !== undefined) {
    checkCustomId(customId, request);
    warnings.push(CHOSEN_ID);
  }
  const policies = grantedPolicies(
    {
      requested: f.policies ?? [],
      noDefault: f.no_default_policy,
      sudo: request.sudo,
      namespaceId: request.namespace.id,
    },
    parent,
    role,
  );
  const root = policies.includes('root');
  if (root && type === 'batch') throw invalidRequest('batch tokens cannot be root tokens');
  if (f.no_parent && role === undefined && !request.sudo) {
    throw invalidRequest('root or sudo privileges required to create orphan token');
  }
  const orphan = role === undefined ? f.no_parent || orphanPath : role.orphan;
  if (period > 0 && !request.sudo)
    throw invalidRequest('root or sudo privileges required to create periodic token');
  const wanted =
    f.ttl === undefined || f.ttl === '' ? seconds(f.lease, 'lease') : seconds(f.ttl, 'ttl');
  const rolePeriod = type === 'batch' ? 0 : (role?.token_period ?? 0);
  const roleExplicit = type === 'batch' ? 0 : (role?.token_explicit_max_ttl ?? 0);
  if (role !== undefined && explicit !== 0 && roleExplicit !== 0) {
    warnings.push(
      `Explicit max TTL specified both during creation call and in role; using the lesser value of ${smaller(explicit, roleExplicit)} seconds`,
    );
  }
  if (period !== 0 && rolePeriod !== 0) {
    warnings.push(
      `Period specified both during creation call and in role; using the lesser value of ${smaller(period, rolePeriod)} seconds`,
    );
  }
  const explicitMax = smaller(explicit, roleExplicit);
  const periodic = smaller(period, rolePeriod);

  let ttl = 0;
  if (root && wanted === 0 && periodic === 0) {
    // A root token without a wish of its own lasts as long as its own maximum says; no mount bounds it.
    ttl = explicitMax;
    if (ttl === 0 && !isForever(parent, request.nowMs)) {
      throw invalidRequest('expiring root tokens cannot create non-expiring root tokens');
    }
  } else {
    const effective = effectiveTtl({
      wantedSeconds: wanted,
      periodSeconds: periodic,
      explicitMaxSeconds: explicitMax,
      maxSeconds: 0,
      mountDefaultSeconds: request.mount.defaultLeaseTtlSeconds,
      mountMaxSeconds: request.mount.maxLeaseTtlSeconds,
      ageSeconds: 0,
    });
    ttl = effective.seconds;
    warnings.push(...effective.warnings);
  }
  const numUses = smaller(f.num_uses, role?.token_num_uses ?? 0);
  const suffix = role === undefined || role.path_suffix === '' ? '' : `/${role.path_suffix}`;
  const boundCidrs =
    role === undefined ? (orphan ? [] : parent.boundCidrs) : role.token_bound_cidrs;
  const issued = await ports.tokens.issue(
    unit,
    {
      type,
      namespaceId: request.namespace.id,
      parent: orphan ? undefined : parent,
      policies,
      path: `auth/token/${request.path}${suffix}`,
      displayName: displayName(f.display_name),
      metadata: request.data['meta'] === null ? null : (f.meta ?? null),
      ttlSeconds: ttl,
      // That of the role is looked up there, as it then is, whenever it counts.
      explicitMaxTtlSeconds: explicit,
      periodSeconds: type === 'batch' ? 0 : period,
      renewable: type === 'batch' || ttl === 0 ? false : f.renewable && (role?.renewable ?? true),
      numUses: type === 'batch' ? 0 : numUses,
      role: role?.name ?? '',
      entityId: entityId ?? (orphan ? '' : parent.entityId),
      boundCidrs,
      strictlyBindIp: false,
      noDefaultPolicy: f.no_default_policy,
      internal: null,
      mountAccessor: request.mount.accessor,
      maxTtlSeconds: 0,
      ...(customId === undefined || type === 'batch' ? {} : { customId }),
      ...(request.environments === undefined ? {} : { environments: request.environments }),
    },
    request.nowMs,
  );
  const { record } = issued;
  for (const name of await ports.missingPolicies(unit, record.namespaceId, record.policies)) {
    warnings.push(`Policy "${name}" does not exist`);
  }
  const identityPolicies = await ports.identityPolicies(unit, record);
  return {
    issuedAuth: {
      ...issuedAuth(record, issued.clientToken, identityPolicies, orphan, request.nowMs),
      // A batch token counts no uses, but is told what its role says.
      numUses,
    },
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function isForever(parent: Stored<TokenRecord>, nowMs: number): boolean {
  return parent.expiresMs === 0 && !isExpired(parent, nowMs);
}

export function tokenCreatePaths(ports: TokenPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'create',
      fields,
      help: { synopsis: 'Creates a token, a child of the one that is used to ask.' },
      operations: {
        update: {
          summary: 'Create a token',
          handler: (request, unit) => create(ports, unit, request, false, undefined),
        },
      },
    }),
    defineSystemPath({
      pattern: 'create-orphan',
      fields,
      help: { synopsis: 'Creates a token without a parent.' },
      operations: {
        update: {
          summary: 'Create an orphan token',
          handler: (request, unit) => create(ports, unit, request, true, undefined),
        },
      },
    }),
    defineSystemPath({
      pattern: 'create/{role_name}',
      fields,
      help: { synopsis: 'Creates a token within the limits of a role.' },
      operations: {
        update: {
          summary: 'Create a token under a role',
          handler: async (request, unit) => {
            const name = request.fields.role_name ?? '';
            const role = await tokenRole(unit, request.namespace.id, name);
            if (role === undefined) throw invalidRequest(`unknown role ${name}`);
            return await create(ports, unit, request, false, role);
          },
        },
      },
    }),
  ];
}
