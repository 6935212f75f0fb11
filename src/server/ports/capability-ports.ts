/** Whose access control list `sys/capabilities` asks about. */
import { principalOf } from '../../core/steps/authenticate.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import type { Request } from '../../model/request.ts';
import type { Acl } from '../../policy/acl.ts';
import type { CapabilityPorts } from '../../system/capabilities.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import type { Services } from '../services.ts';

export function capabilityPorts(services: Services): CapabilityPorts {
  const { authority, table, tokens } = services;

  async function aclOf(
    record: Stored<TokenRecord> | undefined,
    request: Request<unknown>,
    unit: Unit,
  ): Promise<Acl | undefined> {
    if (record === undefined) return undefined;
    const core = unit as CoreUnit;
    const routing = await table.routing(core);
    const principal = await principalOf(
      { identity: services.identity.port },
      { unit: core, routing, nowMs: request.nowMs },
      record,
    );
    return principal === undefined ? undefined : await authority.acl(core, principal);
  }

  return {
    callerAcl: async (request, unit) =>
      request.principal === undefined
        ? undefined
        : await authority.acl(unit as CoreUnit, request.principal),
    tokenAcl: async (token, request, unit) =>
      aclOf(await tokens.lookup(unit, token, request.nowMs), request, unit),
    accessorAcl: async (accessor, request, unit) =>
      aclOf(
        await tokens.byAccessor(unit, request.namespace.id, accessor, request.nowMs),
        request,
        unit,
      ),
  };
}
