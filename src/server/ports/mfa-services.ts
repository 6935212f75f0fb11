/** Connects the second factor to the core: its rules are kept with the routing table, so that they cost a login nothing to know. */
import { EpochCache } from '../../core/epoch-cache.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { IssuerPorts } from '../../core/issuer.ts';
import { ROUTING_SCOPE } from '../../core/mounts/mount-table.ts';
import type { MountTable } from '../../core/mounts/mount-table.ts';
import { formatKeyUri } from '../../engines/totp/key-uri.ts';
import { qrCodePng } from '../../engines/totp/qr-code.ts';
import type { Identity } from '../../identity/identity.ts';
import type { MfaPorts } from '../../identity/mfa/context.ts';
import { loadMfaRules } from '../../identity/mfa/rules.ts';
import { SecondFactor } from '../../identity/mfa/second-factor.ts';
import type { Shown } from '../../identity/mfa/second-factor.ts';
import { permissionDenied } from '../../model/errors.ts';

export interface MfaServices {
  readonly ports: MfaPorts;
  readonly secondFactor: SecondFactor;
  /** What the core asks for every login. */
  readonly demand: IssuerPorts['secondFactor'];
  /** After a seal. */
  readonly clear: () => void;
}

const NOTHING_SHOWN: Shown = new Map();
const UNUSED_WARNING = 'Found MFA header but failed to find MFA Enforcement Config';
const WAITING_WARNING =
  'A login request was issued that is subject to MFA validation. Please make sure to validate the login by sending another request to mfa/validate endpoint.';

export function mfaServices(
  identity: Identity,
  { begin, table }: { readonly begin: () => CoreUnit; readonly table: MountTable },
): MfaServices {
  const cache = new EpochCache(ROUTING_SCOPE, begin, async (unit) =>
    loadMfaRules(unit, (await table.routing(unit)).namespaces.values()),
  );
  const ports: MfaPorts = {
    rules: async (unit) => await cache.get(unit as CoreUnit),
    changed: (unit) => (unit as CoreUnit).bumpEpoch(ROUTING_SCOPE),
    async authMounts(unit, namespaceId) {
      const { mounts } = await table.routing(unit as CoreUnit);
      return [...mounts.values()]
        .map(({ entry }) => entry)
        .filter((entry) => entry.table === 'auth' && entry.namespaceId === namespaceId);
    },
    keyUri: formatKeyUri,
    qrCode: qrCodePng,
  };
  const secondFactor = new SecondFactor({ identity, rules: ports.rules });
  return {
    ports,
    secondFactor,
    clear: () => cache.clear(),
    async demand(exchange, mount, entityId, login) {
      const { call, unit, id, nowMs, warnings } = exchange;
      const { accessor, type } = mount.entry;
      const door = { namespace: mount.namespace, accessor, type };
      const shown = call.secondFactor ?? NOTHING_SHOWN;
      const knock = { requestId: id, door, entityId, shown, nowMs };
      const { requirement, unused } = await secondFactor.demand(unit, knock, login);
      if (unused === true) warnings.push(UNUSED_WARNING);
      if (requirement === undefined) return undefined;
      if (call.protocol !== 'vault')
        throw permissionDenied('the protocol cannot ask for a second factor');
      warnings.push(WAITING_WARNING);
      return requirement;
    },
  };
}
