/** The facades that share a listener with Vault's, in the order in which they are asked whose a request is. */
import type { World } from '../../base/world.ts';
import type { BoundProtocol } from '../../core/bindings/bindings.ts';
import type { Handle } from '../../core/call.ts';
import { isAws } from '../../facades/aws/recognise.ts';
import { isAzure } from '../../facades/azure/recognise.ts';
import type { MountOf } from '../../facades/google/permissions.ts';
import { isGoogle } from '../../facades/google/recognise.ts';
import { isPage } from '../../facades/pages/recognise.ts';
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

interface Entry extends Pick<SharedFacade, 'api' | 'claims'> {
  readonly load: (ports: SharedPorts) => Promise<Facade>;
}

const ENTRIES: readonly Entry[] = [
  { api: 'aws', claims: isAws, load: aws },
  { api: 'gcp', claims: isGoogle, load: google },
  { api: 'azure', claims: isAzure, load: azure },
];

async function aws({ world, handle, sessions, placeOf }: SharedPorts): Promise<Facade> {
  const { createAwsFacade } = await import('../../facades/aws/aws-facade.ts');
  return createAwsFacade({
    handle,
    log: world.log.named('http'),
    clock: world.clock,
    random: world.random,
    seal: (key) => sessions.seal(key),
    placeOf: (account, region) => placeOf('aws', account, region),
  });
}

async function google({ world, handle, mountOf }: SharedPorts): Promise<Facade> {
  const { createGoogleFacade } = await import('../../facades/google/google-facade.ts');
  return createGoogleFacade({
    handle,
    log: world.log.named('http'),
    clock: world.clock,
    mountOf,
  });
}

async function azure({ world, handle, backups }: SharedPorts): Promise<Facade> {
  const { createAzureFacade } = await import('../../facades/azure/azure-facade.ts');
  return createAzureFacade({
    handle,
    log: world.log.named('http'),
    clock: world.clock,
    random: world.random,
    backupSeal: backups,
  });
}

/** Those whose API is in `apis`. Each is loaded for its first request: start and memory of a server without them are not theirs. */
export function sharedFacades(apis: readonly string[], ports: SharedPorts): SharedFacade[] {
  return ENTRIES.filter(({ api }) => apis.includes(api)).map(({ api, claims, load }) => {
    let loading: Promise<Facade> | undefined;
    let loaded: Facade | undefined;
    return {
      api,
      claims,
      handle(request) {
        if (loaded !== undefined) return loaded.handle(request);
        loading ??= load(ports);
        return loading.then((facade) => {
          loaded = facade;
          return facade.handle(request);
        });
      },
    };
  });
}

/** The pages for browsers: the last that is asked, and loaded for its first request like the others. */
export function pagesFacade(
  api: Facade,
  { log, random }: World,
): Pick<SharedFacade, 'claims' | 'handle'> {
  let loading: Promise<Facade> | undefined;
  return {
    claims: isPage,
    async handle(request) {
      loading ??= import('../../facades/pages/pages-facade.ts').then(({ createPagesFacade }) =>
        createPagesFacade({ api, log: log.named('http'), random }),
      );
      return (await loading).handle(request);
    },
  };
}

/** What a listener without the Vault API answers to what is nobody's. */
export function nothingServed(vault: Facade): Facade {
  const refuse: Facade['refuse'] = (status, message) => vault.refuse(status, message);
  return { refuse, handle: async () => refuse(404, '') };
}
