/** `sys/internal/ui`: what clients ask before they do anything: which mounts are there, and what may I do. */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { RequestError, permissionDenied } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import { shownMount } from '../core/mounts/mount-entry.ts';
import type { PolicyAuthority } from '../core/policy-authority.ts';
import { resolveMount } from '../core/mounts/mount-table.ts';
import type { Mount } from '../core/mounts/mount-table.ts';
import type { Acl } from '../policy/acl.ts';
import { resultantAcl } from '../policy/resultant-acl.ts';
import { coreUnit, mountsOf, routingOf, shownPath } from './mounts/ports.ts';
import type { MountPorts } from './mounts/ports.ts';
import type { Reply } from '../model/reply.ts';

export interface InternalUiPorts extends MountPorts {
  readonly authority: PolicyAuthority;
}

async function aclOf(
  ports: InternalUiPorts,
  unit: Unit,
  request: Request<unknown>,
): Promise<Acl | undefined> {
  if (request.principal === undefined) return undefined;
  return await ports.authority.acl(coreUnit(unit), request.principal);
}

function visible(acl: Acl, mount: Mount, nowMs: number): boolean {
  return acl.grantsBelow(mount.fullPath, nowMs);
}

/** Without a token only what is marked for the login page; with one what it can reach. */
async function listMounts(
  ports: InternalUiPorts,
  unit: Unit,
  request: Request<unknown>,
): Promise<Reply> {
  if (request.clientToken !== undefined && request.principal === undefined)
    throw permissionDenied();
  const acl = await aclOf(ports, unit, request);
  const shown = { secret: {} as Record<string, unknown>, auth: {} as Record<string, unknown> };
  for (const table of ['secret', 'auth'] as const) {
    for (const [path, mount] of await mountsOf(ports, unit, request, table)) {
      const { entry } = mount;
      if (acl !== undefined && visible(acl, mount, request.nowMs)) {
        shown[table][path] = shownMount(entry, ports.version);
      } else if (entry.config.listing_visibility === 'unauth') {
        shown[table][path] = {
          description: entry.description,
          options: entry.options,
          type: entry.type,
        };
      }
    }
  }
  return { data: shown };
}

async function preflight(
  ports: InternalUiPorts,
  unit: Unit,
  request: Request<{ readonly path?: string | undefined }>,
): Promise<Reply> {
  const acl = await aclOf(ports, unit, request);
  if (acl === undefined) throw permissionDenied();
  const text = request.fields.path ?? '';
  const path = text.endsWith('/') ? text : `${text}/`;
  const found = resolveMount(await routingOf(ports, unit), request.namespace, path);
  // The same refusal for what is not there and what may not be seen, or names would leak.
  if (
    found === undefined ||
    found.mount.entry.tainted ||
    !visible(acl, found.mount, request.nowMs)
  ) {
    throw new RequestError(
      'permission_denied',
      `preflight capability check returned 403, please ensure client's policies grant access to path "${path}"`,
    );
  }
  const { entry, namespace } = found.mount;
  const below = namespace.path.slice(request.namespace.path.length);
  return { data: { ...shownMount(entry, ports.version), path: below + shownPath(entry) } };
}

async function namespaces(
  ports: InternalUiPorts,
  unit: Unit,
  request: Request<unknown>,
): Promise<Reply> {
  const acl = await aclOf(ports, unit, request);
  if (acl === undefined) throw permissionDenied();
  const routing = await routingOf(ports, unit);
  const keys: string[] = [];
  for (const [path, namespace] of routing.namespaces) {
    if (
      path === request.namespace.path ||
      !path.startsWith(request.namespace.path) ||
      namespace.tainted
    )
      continue;
    const below = path.slice(request.namespace.path.length);
    // Each level tells of its own.
    if (below.indexOf('/') !== below.length - 1) continue;
    if (acl.grantsBelow(path, request.nowMs)) keys.push(below);
  }
  return { data: keys.length === 0 ? {} : { keys: keys.sort() } };
}

export function internalUiPaths(ports: InternalUiPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'internal/ui/mounts',
      fields: {},
      unauthenticated: true,
      help: {
        synopsis:
          'Lists the mounts that the caller can reach, or, without a token, those shown on the login page.',
      },
      operations: {
        read: {
          summary: 'List reachable mounts',
          handler: (request, unit) => listMounts(ports, unit, request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'internal/ui/mounts/{path..+}',
      fields: { path: { kind: 'string', description: 'A path below the mount.' } },
      unauthenticated: true,
      help: { synopsis: 'Shows the mount that serves a path, if the caller can reach it.' },
      operations: {
        read: {
          summary: 'Show the mount of a path',
          handler: (request, unit) => preflight(ports, unit, request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'internal/ui/namespaces',
      fields: {},
      unauthenticated: true,
      help: { synopsis: 'Lists the namespaces that the caller can reach.' },
      operations: {
        read: {
          summary: 'List reachable namespaces',
          handler: (request, unit) => namespaces(ports, unit, request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'internal/ui/resultant-acl',
      fields: {},
      help: { synopsis: 'Shows what the caller may do, as the sum of its policies.' },
      operations: {
        read: {
          summary: 'Show the resulting access control list',
          handler: async (request, unit) => {
            const acl = await aclOf(ports, unit, request);
            if (acl === undefined) throw permissionDenied();
            return { data: { ...resultantAcl(acl, request.nowMs) } };
          },
        },
      },
    }),
  ];
}
