/** What `sys/raw` needs of the core: which namespaces there are, and how to make every cache look again. */
import type { CoreUnit } from '../../core/epoch-cache.ts';
import { ROUTING_SCOPE } from '../../core/mounts/mount-table.ts';
import { identityScope, policyScope } from '../../core/policy-authority.ts';
import { QUOTA_SCOPE } from '../../core/quotas/records.ts';
import { AUDITED_HEADERS_SCOPE } from '../../system/config/audited-headers.ts';
import { CORS_SCOPE } from '../../system/config/cors.ts';
import type { RawPorts } from '../../system/raw/raw.ts';
import type { Services } from '../services.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

export function rawPorts({ table }: Pick<Services, 'table'>): RawPorts {
  return {
    async namespaceIds(unit) {
      const { namespacesById } = await table.routing(unit as CoreUnit);
      return [...namespacesById.keys()].filter((id) => id !== ROOT_NAMESPACE_ID);
    },
    changed(unit, namespaceId) {
      for (const scope of [
        ROUTING_SCOPE,
        QUOTA_SCOPE,
        CORS_SCOPE,
        AUDITED_HEADERS_SCOPE,
        policyScope(namespaceId),
        identityScope(namespaceId),
      ]) {
        (unit as CoreUnit).bumpEpoch(scope);
      }
    },
  };
}
