/** `sys/capabilities…`: what a token may do on paths. */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, permissionDenied } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import type { Acl } from '../policy/acl.ts';
import type { Reply } from '../model/reply.ts';

export interface CapabilityPorts {
  /** The ACL of the request's own token; undefined without a live one. */
  callerAcl(request: Request<unknown>, unit: Unit): Promise<Acl | undefined>;
  /** The ACL of another token, given in clear; undefined when there is none, its entity is disabled, or it may not be seen. */
  tokenAcl(token: string, request: Request<unknown>, unit: Unit): Promise<Acl | undefined>;
  /** The same by accessor. */
  accessorAcl(accessor: string, request: Request<unknown>, unit: Unit): Promise<Acl | undefined>;
}

/** Most paths in one question. */
const PATHS_MAX = 1000;

const pathFields = {
  paths: { kind: 'comma_string_list', description: 'Paths to ask about.' },
  path: { kind: 'comma_string_list', description: 'Older name of paths.', deprecated: true },
} as const;

interface CapabilityFields {
  readonly paths?: readonly string[] | undefined;
  readonly path?: readonly string[] | undefined;
  readonly token?: string | undefined;
  readonly accessor?: string | undefined;
}

type CapabilityRequest = Request<CapabilityFields>;

/** @throws {RequestError} none, too many, or an empty one */
function pathsOf(request: CapabilityRequest): readonly string[] {
  const { paths, path } = request.fields;
  const asked = paths !== undefined && paths.length > 0 ? paths : (path ?? []);
  if (asked.length === 0) throw invalidRequest('paths must be supplied');
  if (asked.length > PATHS_MAX) throw invalidRequest(`more than ${PATHS_MAX} paths`);
  if (asked.includes('')) throw invalidRequest('missing path');
  return asked;
}

function answer(acl: Acl, request: CapabilityRequest): Reply {
  const paths = pathsOf(request);
  // Keys are the caller's: no prototype.
  const data = Object.create(null) as Record<string, readonly string[]>;
  for (const path of paths) {
    const full = request.namespace.path + path.replace(/^\/+/, '');
    data[path] = acl.capabilities(full, request.nowMs);
  }
  const [first] = paths;
  const only = paths.length === 1 && first !== undefined ? data[first] : undefined;
  if (only !== undefined) data['capabilities'] = only;
  return { data, injectTopLevel: true };
}

async function ofCaller(
  ports: CapabilityPorts,
  request: CapabilityRequest,
  unit: Unit,
): Promise<Reply> {
  const acl = await ports.callerAcl(request, unit);
  if (acl === undefined) throw permissionDenied();
  return answer(acl, request);
}

async function ofToken(
  ports: CapabilityPorts,
  request: CapabilityRequest,
  unit: Unit,
): Promise<Reply> {
  const token = request.fields.token ?? '';
  if (token === '') throw invalidRequest('no token found');
  pathsOf(request);
  const acl = await ports.tokenAcl(token, request, unit);
  if (acl === undefined) throw invalidRequest('invalid token');
  return answer(acl, request);
}

async function ofAccessor(
  ports: CapabilityPorts,
  request: CapabilityRequest,
  unit: Unit,
): Promise<Reply> {
  const accessor = request.fields.accessor ?? '';
  if (accessor === '') throw invalidRequest('missing accessor');
  pathsOf(request);
  const acl = await ports.accessorAcl(accessor, request, unit);
  if (acl === undefined) throw invalidRequest('invalid accessor');
  return answer(acl, request);
}

/** The paths, below `sys/`. */
export function capabilityPaths(ports: CapabilityPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'capabilities',
      fields: {
        ...pathFields,
        token: { kind: 'string', description: 'The token to ask about.', sensitive: true },
      },
      help: { synopsis: 'Tells what a token may do on paths.' },
      operations: {
        update: { summary: 'Ask about a token', handler: (r, unit) => ofToken(ports, r, unit) },
      },
    }),
    defineSystemPath({
      pattern: 'capabilities-accessor',
      fields: {
        ...pathFields,
        accessor: { kind: 'string', description: 'Accessor of the token to ask about.' },
      },
      help: { synopsis: 'Tells what the token behind an accessor may do on paths.' },
      operations: {
        update: {
          summary: 'Ask about a token by its accessor',
          handler: (r, unit) => ofAccessor(ports, r, unit),
        },
      },
    }),
    defineSystemPath({
      pattern: 'capabilities-self',
      fields: {
        ...pathFields,
        token: {
          kind: 'string',
          description: 'Not looked at: the token of the request counts.',
          sensitive: true,
        },
      },
      help: { synopsis: 'Tells what the caller may do on paths.' },
      operations: {
        update: { summary: 'Ask about oneself', handler: (r, unit) => ofCaller(ports, r, unit) },
      },
    }),
  ];
}
