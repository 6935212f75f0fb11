/** The OpenAPI document of the mounts that a caller can reach. */
import { mountSection, openApiDocument } from '../../core/declared/openapi.ts';
import type { Section } from '../../core/declared/openapi.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { SpecsPorts } from '../../system/internal-specs.ts';
import type { Services } from '../services.ts';

export function openApiOf(services: Services, version: string): SpecsPorts['openApi'] {
  return async (unit, request, generic) => {
    const sections: Section[] = [];
    if (request.principal !== undefined) {
      const core = unit as CoreUnit;
      const acl = await services.authority.acl(core, request.principal);
      for (const mount of (await services.table.routing(core)).mounts.values()) {
        if (mount.namespace.id !== request.namespace.id || mount.entry.tainted) continue;
        if (!acl.grantsBelow(mount.fullPath, request.nowMs)) continue;
        sections.push(mountSection({ path: mount.entry.path, backend: mount.backend }, generic));
      }
    }
    return openApiDocument(sections, version);
  };
}
