/** `sys/quotas/*`: limits on how often requests may come and how many leases may be alive. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Field } from '../../model/field.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { putQuotaRule, putQuotaSettings, quotaSettings } from '../../core/quotas/records.ts';
import type { QuotaKind } from '../../core/quotas/records.ts';
import { listed, living, refuseTwin, remove, scopeOf } from './scope.ts';
import type { QuotaPorts, ScopeFields } from './scope.ts';
import type { Reply } from '../../model/reply.ts';

const name: Field<'string'> = { kind: 'string', description: 'Name of the quota.' };
const path: Field<'string'> & { default: string } = {
  kind: 'string',
  default: '',
  description:
    'Namespace, mount, or path below a mount (which may end in `*`) that the quota is for; empty for everything.',
};
const role: Field<'string'> & { default: string } = {
  kind: 'string',
  default: '',
  description: 'Login role that the quota is for; the path must then be an auth method with roles.',
};
const inheritable: Field<'bool'> = {
  kind: 'bool',
  description:
    'Child namespaces without a quota of their own use this one. Only for namespaces; the default is true for the root one.',
};
const type: Field<'string'> = { kind: 'string', description: 'Kind of the quota; not needed.' };

const PATTERNS: Readonly<Record<QuotaKind, string>> = {
  'rate-limit': 'quotas/rate-limit',
  'lease-count': 'quotas/lease-count',
};

const rateFields = {
  name,
  path,
  role,
  inheritable,
  type,
  rate: {
    kind: 'float',
    default: 0,
    description: 'Requests that each client may make per interval.',
  },
  interval: { kind: 'duration_seconds', default: 1, description: 'Length of the interval.' },
  block_interval: {
    kind: 'duration_seconds',
    default: 0,
    description:
      'How long a client that went beyond the rate is refused altogether; 0 = until the interval ends.',
  },
} as const;

interface RateFields extends ScopeFields {
  readonly rate: number;
  readonly interval: number;
  readonly block_interval: number;
}

async function writeRate(
  ports: QuotaPorts,
  request: Request<RateFields>,
  unit: Unit,
): Promise<void> {
  const { fields } = request;
  const ruleName = fields.name ?? '';
  if (!(fields.rate > 0) || !Number.isFinite(fields.rate))
    throw invalidRequest("'rate' is invalid");
  const scope = await scopeOf(ports, unit, fields);
  await refuseTwin(ports, unit, 'rate-limit', ruleName, scope);
  putQuotaRule(unit, 'rate-limit', {
    ...scope,
    id: ports.newId(),
    name: ruleName,
    rate: fields.rate,
    intervalSeconds: fields.interval === 0 ? 1 : fields.interval,
    blockIntervalSeconds: fields.block_interval,
  });
  ports.changed(unit);
}

async function readRate(
  ports: QuotaPorts,
  ruleName: string,
  unit: Unit,
): Promise<Reply | undefined> {
  const found = await living(ports, unit, 'rate-limit', ruleName);
  if (found === undefined) return undefined;
  const { rule } = found;
  return {
    data: {
      block_interval: rule.blockIntervalSeconds,
      inheritable: rule.inheritable,
      interval: rule.intervalSeconds,
      name: rule.name,
      path: found.path,
      rate: rule.rate,
      role: rule.role,
      type: 'rate-limit',
    },
  };
}

const leaseFields = {
  name,
  path,
  role,
  inheritable,
  type,
  max_leases: { kind: 'int', default: 0, description: 'Most leases that may be alive.' },
} as const;

interface LeaseFields extends ScopeFields {
  readonly max_leases: number;
}

async function writeLease(
  ports: QuotaPorts,
  request: Request<LeaseFields>,
  unit: Unit,
): Promise<void> {
  const { fields } = request;
  const ruleName = fields.name ?? '';
  if (fields.max_leases <= 0) throw invalidRequest("'max_leases' is invalid");
  const scope = await scopeOf(ports, unit, fields);
  await refuseTwin(ports, unit, 'lease-count', ruleName, scope);
  putQuotaRule(unit, 'lease-count', {
    ...scope,
    id: ports.newId(),
    name: ruleName,
    maxLeases: fields.max_leases,
  });
  ports.changed(unit);
}

async function readLease(ports: QuotaPorts, ruleName: string, unit: Unit): Promise<Reply> {
  const found = await living(ports, unit, 'lease-count', ruleName);
  if (found === undefined) throw notFound(`no lease-count quota named "${ruleName}"`);
  const { rule } = found;
  return {
    data: {
      counter: await ports.leaseCount(unit, rule),
      inheritable: rule.inheritable,
      max_leases: rule.maxLeases,
      name: rule.name,
      path: found.path,
      role: rule.role,
      type: 'lease-count',
    },
  };
}

const configFields = {
  rate_limit_exempt_paths: {
    kind: 'string_list',
    default: [],
    description: 'Paths, and what lies below them, that no rate limit applies to.',
  },
  enable_rate_limit_audit_logging: {
    kind: 'bool',
    default: false,
    description: 'Records requests that a rate limit refused in the audit log.',
  },
  enable_rate_limit_response_headers: {
    kind: 'bool',
    default: false,
    description: 'Tells clients in headers how much of their rate is left.',
  },
} as const;

function configPath(ports: QuotaPorts): Path<Unit> {
  return defineSystemPath({
    pattern: 'quotas/config',
    fields: configFields,
    rootNamespaceOnly: true,
    help: { synopsis: 'Settings of all quotas.' },
    operations: {
      read: {
        summary: 'Read the settings',
        handler: async (_request, unit) => {
          const settings = await quotaSettings(unit);
          return {
            data: {
              enable_rate_limit_audit_logging: settings.auditRejections,
              enable_rate_limit_response_headers: settings.responseHeaders,
              rate_limit_exempt_paths: settings.rateLimitExemptPaths,
            },
          };
        },
      },
      update: {
        summary: 'Replace the settings',
        handler: ({ fields }, unit) => {
          putQuotaSettings(unit, {
            rateLimitExemptPaths: fields.rate_limit_exempt_paths,
            auditRejections: fields.enable_rate_limit_audit_logging,
            responseHeaders: fields.enable_rate_limit_response_headers,
          });
          ports.changed(unit);
          return undefined;
        },
      },
    },
  });
}

/** All paths of `sys/quotas`. */
export function quotaPaths(ports: QuotaPorts): Path<Unit>[] {
  return [
    configPath(ports),
    ...(['rate-limit', 'lease-count'] as const).map((kind) =>
      defineSystemPath({
        pattern: `${PATTERNS[kind]}/`,
        fields: {},
        rootNamespaceOnly: true,
        help: { synopsis: `Lists the ${kind} quotas.` },
        operations: {
          list: {
            summary: 'List the quotas',
            handler: (_request, unit) => listed(ports, unit, kind),
          },
        },
      }),
    ),
    defineSystemPath({
      pattern: `${PATTERNS['rate-limit']}/{name}`,
      fields: rateFields,
      rootNamespaceOnly: true,
      help: { synopsis: 'How many requests each client may make in an interval.' },
      operations: {
        read: {
          summary: 'Read a quota',
          handler: ({ fields }, unit) => readRate(ports, fields.name ?? '', unit),
        },
        update: {
          summary: 'Create or replace a quota',
          handler: async (request, unit) => {
            await writeRate(ports, request, unit);
            return undefined;
          },
        },
        delete: {
          summary: 'Delete a quota',
          handler: ({ fields }, unit) => {
            remove(ports, unit, 'rate-limit', fields.name ?? '');
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: `${PATTERNS['lease-count']}/{name}`,
      fields: leaseFields,
      rootNamespaceOnly: true,
      help: { synopsis: 'How many leases of a mount or namespace may be alive.' },
      operations: {
        read: {
          summary: 'Read a quota and its counter',
          handler: ({ fields }, unit) => readLease(ports, fields.name ?? '', unit),
        },
        update: {
          summary: 'Create or replace a quota',
          handler: async (request, unit) => {
            await writeLease(ports, request, unit);
            return undefined;
          },
        },
        delete: {
          summary: 'Delete a quota',
          handler: ({ fields }, unit) => {
            remove(ports, unit, 'lease-count', fields.name ?? '');
            return undefined;
          },
        },
      },
    }),
  ];
}
