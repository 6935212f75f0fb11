/** `sys/policies/acl`, `sys/policies/detailed/acl` and the older `sys/policy`: reading and writing ACL policies. */
import { decodeBase64Text } from '../base/base64-text.ts';
import { formatTime } from '../base/time-format.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, notFound, unsupportedOperation } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import type { PolicyStore, StoredPolicy } from '../policy/policy-store.ts';
import type { Reply } from '../model/reply.ts';

export interface PolicyPorts {
  readonly policies: PolicyStore;
}

// `lower_string`: names fold to lower case, so a rule about this path must be judged by the folded form as well.
const name = { kind: 'lower_string', description: 'Name of the policy.' } as const;

const writeFields = {
  name,
  policy: { kind: 'string', description: 'The policy, in HCL or JSON, or that in base64.' },
  expiration: { kind: 'time', description: 'When the policy ends.' },
  ttl: { kind: 'duration_seconds', description: 'How long the policy lives from now on.' },
  cas: {
    kind: 'int',
    description: 'The write succeeds only on this version; -1 = only when there is no policy yet.',
  },
  cas_required: { kind: 'bool', description: 'Every later write must send cas.' },
  allow_wildcards_in_identity_templates: {
    kind: 'bool',
    description: 'Values of identity templates may hold * and +, which then are wildcards.',
  },
  allow_slashes_in_identity_templates: {
    kind: 'bool',
    description: 'Values of identity templates may hold slashes.',
  },
} as const;

const legacyFields = {
  ...writeFields,
  rules: { kind: 'string', description: 'Old name of policy.', deprecated: true },
} as const;

interface PolicyFields {
  readonly name?: string | undefined;
  readonly policy?: string | undefined;
  readonly rules?: string | undefined;
  readonly expiration?: number | undefined;
  readonly ttl?: number | undefined;
  readonly cas?: number | undefined;
  readonly cas_required?: boolean | undefined;
  readonly allow_wildcards_in_identity_templates?: boolean | undefined;
  readonly allow_slashes_in_identity_templates?: boolean | undefined;
}

type PolicyRequest = Request<PolicyFields>;

/**
 * The policy's name. Space around it would be judged as another path than the one that is acted on: refused.
 * @throws {RequestError}
 */
function nameOf(request: PolicyRequest): string {
  const given = request.fields.name ?? '';
  if (given === '') throw unsupportedOperation();
  if (given !== given.trim()) throw invalidRequest('policy name has white space around it');
  return given;
}

function show(stored: StoredPolicy, textName: 'policy' | 'rules'): Record<string, unknown> {
  const { wildcards, slashes } = stored.allowances;
  return {
    name: stored.name,
    [textName]: stored.text,
    version: stored.version,
    cas_required: stored.casRequired,
    ...(stored.expiresAtMs !== null && { expiration: formatTime(stored.expiresAtMs) }),
    ...(stored.modifiedMs > 0 && { modified: formatTime(stored.modifiedMs) }),
    ...(wildcards && { allow_wildcards_in_identity_templates: true }),
    ...(slashes && { allow_slashes_in_identity_templates: true }),
  };
}

/** Folder of a listing: what the path names, with its slash. */
function folderOf(request: PolicyRequest): string {
  const given = request.fields.name ?? '';
  return given === '' || given.endsWith('/') ? given : `${given}/`;
}

async function keysOf(
  ports: PolicyPorts,
  request: PolicyRequest,
  unit: Unit,
): Promise<readonly string[]> {
  const { namespace, nowMs } = request;
  return await ports.policies.list(unit, namespace.id, folderOf(request), nowMs);
}

async function list(ports: PolicyPorts, request: PolicyRequest, unit: Unit): Promise<Reply> {
  const keys = await keysOf(ports, request, unit);
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function listLegacy(ports: PolicyPorts, request: PolicyRequest, unit: Unit): Promise<Reply> {
  const keys = await keysOf(ports, request, unit);
  // The old path has always answered, with nothing where there is nothing.
  const data = keys.length === 0 ? { policies: null } : { keys, policies: keys };
  return { data, injectTopLevel: true };
}

async function listDetailed(
  ports: PolicyPorts,
  request: PolicyRequest,
  unit: Unit,
): Promise<Reply> {
  const { namespace, nowMs } = request;
  const keys = await keysOf(ports, request, unit);
  if (keys.length === 0) throw notFound();
  const info = Object.create(null) as Record<string, unknown>;
  for (const key of keys) {
    const stored = await ports.policies.get(unit, namespace.id, key, nowMs);
    if (stored !== undefined) info[key] = show(stored, 'policy');
  }
  return { data: { keys, key_info: info } };
}

async function read(
  ports: PolicyPorts,
  request: PolicyRequest,
  unit: Unit,
  textName: 'policy' | 'rules',
): Promise<Reply> {
  const { namespace, nowMs } = request;
  const stored = await ports.policies.get(unit, namespace.id, nameOf(request), nowMs);
  if (stored === undefined) throw notFound();
  return { data: show(stored, textName), injectTopLevel: textName === 'rules' };
}

/** @throws {RequestError} both ways to say it, or a time that is over */
function expiryOf(request: PolicyRequest): number | undefined {
  const { expiration, ttl } = request.fields;
  if (expiration !== undefined && ttl !== undefined) {
    throw invalidRequest("cannot supply both 'expiration' and 'ttl' for policies");
  }
  const expiresAtMs = ttl === undefined ? expiration : request.nowMs + ttl * 1000;
  if (expiresAtMs !== undefined && expiresAtMs <= request.nowMs) {
    throw invalidRequest('refusing to update policy as expiration time has already elapsed');
  }
  return expiresAtMs;
}

/** @throws {RequestError} there is none */
function textOf(given: string): string {
  if (given === '') throw invalidRequest("'policy' parameter not supplied or empty");
  return decodeBase64Text(given) ?? given;
}

function conversionWarning(request: PolicyRequest, stored: string): readonly string[] {
  return request.path.endsWith(stored) ? [] : [`policy name was converted to ${stored}`];
}

async function write(
  ports: PolicyPorts,
  request: PolicyRequest,
  unit: Unit,
  legacy: boolean,
): Promise<Reply | undefined> {
  const policyName = nameOf(request);
  const { fields, namespace, nowMs } = request;
  const warnings = [...conversionWarning(request, policyName)];
  let given = fields.policy ?? '';
  if (legacy && given === '') {
    given = fields.rules ?? '';
    warnings.push("'rules' is deprecated, please use 'policy' instead");
  }
  const change = {
    name: policyName,
    text: textOf(given),
    cas: fields.cas,
    casRequired: fields.cas_required ?? false,
    expiresAtMs: expiryOf(request),
    allowances: {
      wildcards: fields.allow_wildcards_in_identity_templates ?? false,
      slashes: fields.allow_slashes_in_identity_templates ?? false,
    },
  };
  await ports.policies.set(unit, namespace.id, change, nowMs);
  return warnings.length === 0 ? undefined : { warnings };
}

/** Changes what is sent and keeps the rest; without `cas` the version that was read must still be there. */
async function patch(
  ports: PolicyPorts,
  request: PolicyRequest,
  unit: Unit,
): Promise<Reply | undefined> {
  const policyName = nameOf(request);
  const { fields, namespace, nowMs } = request;
  const stored = await ports.policies.get(unit, namespace.id, policyName, nowMs);
  if (stored === undefined) throw notFound('policy not found');
  const { allowances } = stored;
  const change = {
    name: policyName,
    text: fields.policy === undefined ? stored.text : textOf(fields.policy),
    cas: fields.cas ?? stored.version,
    casRequired: fields.cas_required ?? stored.casRequired,
    expiresAtMs: expiryOf(request) ?? stored.expiresAtMs ?? undefined,
    allowances: {
      wildcards: fields.allow_wildcards_in_identity_templates ?? allowances.wildcards,
      slashes: fields.allow_slashes_in_identity_templates ?? allowances.slashes,
    },
  };
  await ports.policies.set(unit, namespace.id, change, nowMs);
  const warnings = conversionWarning(request, policyName);
  return warnings.length === 0 ? undefined : { warnings };
}

async function remove(ports: PolicyPorts, request: PolicyRequest, unit: Unit): Promise<undefined> {
  await ports.policies.delete(unit, request.namespace.id, nameOf(request));
}

/** The paths, below `sys/`. */
export function policyPaths(ports: PolicyPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'policies/acl',
      fields: {},
      help: { synopsis: 'Lists the ACL policies.' },
      operations: {
        list: { summary: 'List the policies', handler: (r, unit) => list(ports, r, unit) },
      },
    }),
    defineSystemPath({
      pattern: 'policies/acl/{name...}',
      fields: writeFields,
      help: {
        synopsis: 'Reads, writes or deletes an ACL policy.',
        description:
          'A change binds every request that starts after its answer. A name may hold slashes; a listing of such a folder shows full names.',
      },
      operations: {
        read: { summary: 'Read a policy', handler: (r, unit) => read(ports, r, unit, 'policy') },
        list: { summary: 'List a folder', handler: (r, unit) => list(ports, r, unit) },
        update: { summary: 'Write a policy', handler: (r, unit) => write(ports, r, unit, false) },
        patch: { summary: 'Change parts of a policy', handler: (r, unit) => patch(ports, r, unit) },
        delete: { summary: 'Delete a policy', handler: (r, unit) => remove(ports, r, unit) },
      },
    }),
    defineSystemPath({
      pattern: 'policies/detailed/acl',
      fields: {},
      help: { synopsis: 'Lists the ACL policies with their contents.' },
      operations: {
        list: {
          summary: 'List the policies with their contents',
          handler: (r, unit) => listDetailed(ports, r, unit),
        },
      },
    }),
    defineSystemPath({
      pattern: 'policies/detailed/acl/{name...}',
      fields: { name },
      help: { synopsis: 'Lists the ACL policies of a folder with their contents.' },
      operations: {
        list: {
          summary: 'List a folder with contents',
          handler: (r, unit) => listDetailed(ports, r, unit),
        },
      },
    }),
    defineSystemPath({
      pattern: 'policy',
      fields: {},
      help: { synopsis: 'Lists the ACL policies (older form of sys/policies/acl).' },
      operations: {
        read: { summary: 'List the policies', handler: (r, unit) => listLegacy(ports, r, unit) },
        list: { summary: 'List the policies', handler: (r, unit) => listLegacy(ports, r, unit) },
      },
    }),
    defineSystemPath({
      pattern: 'policy/{name...}',
      fields: legacyFields,
      help: {
        synopsis: 'Reads, writes or deletes an ACL policy (older form of sys/policies/acl).',
      },
      operations: {
        read: { summary: 'Read a policy', handler: (r, unit) => read(ports, r, unit, 'rules') },
        list: { summary: 'List a folder', handler: (r, unit) => listLegacy(ports, r, unit) },
        update: { summary: 'Write a policy', handler: (r, unit) => write(ports, r, unit, true) },
        delete: { summary: 'Delete a policy', handler: (r, unit) => remove(ports, r, unit) },
      },
    }),
  ];
}
