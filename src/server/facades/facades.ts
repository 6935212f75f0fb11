/** The facades that share a listener with Vault's, in the order in which they are asked whose a request is. */
import type { World } from '../../base/world.ts';
import type { BoundProtocol } from '../../core/bindings/bindings.ts';
import type { Handle } from '../../core/call.ts';
import { createAwsFacade } from '../../facades/aws/aws-facade.ts';
import { azureApi } from '../../facades/azure/azure-facade.ts';
import type { MountOf } from '../../facades/google/permissions.ts';
import { googleApi } from '../../facades/google/google-facade.ts';
import type { Facade, SharedFacade } from '../../facades/facade.ts';
import type { SealedText } from '../../tokens/batch-token.ts';
import type { SessionTexts } from '../../identity/credentials/record.ts';

export interface SharedPorts {
  readonly world: World;
  readonly handle: Handle;
  /** Seals temporary access keys. */
  readonly sessions: SessionTexts;
  /** Seals backups of single objects. */
  readonly backups: SealedText;
  /** The mount of a Google project's secrets. */
  readonly mountOf: MountOf;
  /** Namespace and mount that a name of another cloud is bound to; undefined when it is not. */
  readonly placeOf: (
    protocol: BoundProtocol,
    name: string,
    region: string,
  ) => Promise<string | undefined>;
}

const MAKERS: readonly ((ports: SharedPorts) => SharedFacade)[] = [
  aws,
  ({ handle, world, mountOf }) =>
    googleApi({ handle, log: world.log.named('http'), clock: world.clock, mountOf }),
  ({ handle, world, backups }) =>
    azureApi({ handle, log: world.log.named('http'), clock: world.clock, backupSeal: backups }),
];

function aws({ world, handle, sessions, placeOf }: SharedPorts): SharedFacade {
  return createAwsFacade({
    handle,
    log: world.log.named('http'),
    clock: world.clock,
    random: world.random,
    seal: (key) => sessions.seal(key),
    placeOf: (account, region) => placeOf('aws', account, region),
  });
}

/** Those whose API is in `apis`. */
export function sharedFacades(apis: readonly string[], ports: SharedPorts): SharedFacade[] {
  return MAKERS.map((make) => make(ports)).filter(({ api }) => apis.includes(api));
}

/** What a listener without the Vault API answers to what is nobody's. */
export function nothingServed(vault: Facade): Facade {
  const refuse: Facade['refuse'] = (status, message) => vault.refuse(status, message);
  return { refuse, handle: async () => refuse(404, '') };
}
