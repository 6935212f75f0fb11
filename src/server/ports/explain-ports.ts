/** What `sys/policies/explain` needs of tokens, policies and the routing table. */
import { foldedPath } from '../../core/steps/folded-path.ts';
import { appliesTo } from '../../core/declared/paths.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import { matchBackend, resolveMount, resolveNamespace } from '../../core/mounts/mount-table.ts';
import type { ExplainPorts } from '../../system/explain.ts';
import { capabilityPorts } from './capability-ports.ts';
import type { Services } from '../services.ts';

export function explainPorts(services: Services): ExplainPorts {
  const { authority, policies, table } = services;
  return {
    ...capabilityPorts(services),
    async policiesAcl(names, request, unit) {
      const { namespace, nowMs } = request;
      const canonical = [...new Set(names.map((name) => name.trim().toLowerCase()))].sort();
      const principal = { tokenNamespace: namespace, policies: canonical, entityId: '' };
      return {
        acl: await authority.acl(unit as CoreUnit, principal),
        missing: await policies.missing(unit, namespace.id, canonical, nowMs),
      };
    },
    async declared(unit, fullPath) {
      const routing = await table.routing(unit as CoreUnit);
      const found = resolveNamespace(routing, '', fullPath);
      const target = found && resolveMount(routing, found.namespace, found.path);
      const match = target && matchBackend(target.mount.backend, target.path);
      if (target === undefined || match === undefined) return { sudo: false, folded: undefined };
      const folded = foldedPath(target.path, match);
      const mountPath = fullPath.slice(0, fullPath.length - target.path.length);
      return {
        sudo: appliesTo(match.path.sudo, target.path),
        folded: folded === undefined ? undefined : mountPath + folded,
      };
    },
  };
}
