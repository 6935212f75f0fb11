/** Connects the token method to policies, identity and the other auth methods. */
import type { CoreUnit } from '../../core/epoch-cache.ts';
import { dataPrefix } from '../../core/mounts/mount-entry.ts';
import type { Unit } from '../../model/transaction.ts';
import { invalidRequest } from '../../model/errors.ts';
import { smaller } from '../../tokens/ttl.ts';
import { tokenRole } from '../../system/token/roles.ts';
import type { TokenPorts } from '../../system/token/ports.ts';
import type { Services } from '../services.ts';

export function tokenPorts(services: Services): TokenPorts {
  const core = (unit: Unit): CoreUnit => unit as CoreUnit;
  return {
    tokens: services.tokens,
    async missingPolicies(unit, namespaceId, policies) {
      return await services.policies.missing(
        unit,
        namespaceId,
        policies,
        services.world.clock.nowMs(),
      );
    },
    async identityPolicies(unit, record) {
      if (record.entityId === '') return [];
      return (
        (await services.identity.port.policies(
          core(unit),
          record.namespaceId,
          record.entityId,
          services.world.clock.nowMs(),
        )) ?? []
      );
    },
    async entityOfAlias(unit, request, alias) {
      const mount = (await services.table.routing(core(unit))).mountsByAccessor.get(
        request.mount.accessor,
      );
      if (mount === undefined) return '';
      const grant = {
        displayName: '',
        policies: [],
        ttlSeconds: 0,
        maxTtlSeconds: 0,
        renewable: false,
        alias: { name: alias },
      };
      return (await services.identity.login(core(unit), mount, grant, request.nowMs)).entityId;
    },
    async renewalBounds(unit, record, request, incrementSeconds) {
      const mount = (await services.table.routing(core(unit))).mountsByAccessor.get(
        record.mountAccessor,
      );
      const bounds =
        mount === undefined ? services.leaseBounds : services.table.bounds(mount.entry);
      const own = {
        wantedSeconds: record.ttlSeconds,
        periodSeconds: record.periodSeconds,
        explicitMaxSeconds: record.explicitMaxTtlSeconds,
        maxSeconds: record.maxTtlSeconds,
        mountDefaultSeconds: bounds.defaultSeconds,
        mountMaxSeconds: bounds.maxSeconds,
      };
      if (record.role !== '') {
        const role = await tokenRole(unit, record.namespaceId, record.role);
        if (role === undefined)
          throw invalidRequest(`original token role "${record.role}" could not be found`);
        return {
          ...own,
          periodSeconds: smaller(own.periodSeconds, role.token_period),
          explicitMaxSeconds: smaller(own.explicitMaxSeconds, role.token_explicit_max_ttl),
        };
      }
      if (
        mount === undefined ||
        mount.backend.scope !== 'mount' ||
        mount.backend.renewAuth === undefined
      )
        return own;
      const renewed = await mount.backend.renewAuth(
        {
          internal: structuredClone(record.internal ?? {}) as never,
          displayName: record.displayName,
          metadata: record.metadata ?? {},
          policies: record.policies,
          connection: request.connection,
          incrementSeconds,
          nowMs: request.nowMs,
        },
        unit.view(record.namespaceId, dataPrefix(mount.entry)),
      );
      if (renewed.groupAliases !== undefined && record.entityId !== '') {
        const { groupAliases } = renewed;
        await services.identity.refresh(
          core(unit),
          mount,
          record.entityId,
          groupAliases,
          request.nowMs,
        );
      }
      return {
        ...own,
        wantedSeconds: renewed.ttlSeconds ?? own.wantedSeconds,
        periodSeconds: renewed.periodSeconds ?? own.periodSeconds,
        maxSeconds: renewed.maxTtlSeconds ?? own.maxSeconds,
      };
    },
    async namespacePath(unit, namespaceId) {
      return (await services.table.routing(core(unit))).namespacesById.get(namespaceId)?.path ?? '';
    },
  };
}
