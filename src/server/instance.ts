/** One running server: storage, barrier, seal, audit, core and listeners, and the order in which they start and stop. */
import { degraded } from './service/degraded.ts';
import { hostname } from 'node:os';
import { createLogSigner } from '../audit/checkpoint.ts';
import { Barrier } from '../barrier/barrier.ts';
import { Upkeep } from '../barrier/upkeep/upkeep.ts';
import { clusterRecord } from '../core/bootstrap.ts';
import type { Call, Handle } from '../core/call.ts';
import { measured } from '../core/request-metrics.ts';
import { OWN_DUTY } from '../core/replicas/duty.ts';
import type { Duty } from '../core/replicas/duty.ts';
import { notFound } from '../model/errors.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import { Unsealer } from '../seal/unsealer.ts';
import type { InitRequest, InitResult } from '../seal/unsealer.ts';
import { isShared } from '../storage/storage.ts';
import type { Storage } from '../storage/storage.ts';
import { storedAuditDevices } from '../system/audit-records.ts';
import { assemble, forgetStore } from './assemble.ts';
import type { Assembly } from './assemble.ts';
import { AuditAnchors } from './audit-anchors.ts';
import { builtins } from './builtins.ts';
import { endService } from './service/end-service.ts';
import { auditedHeaders } from '../system/config/audited-headers.ts';
import type { CorsRecord } from '../system/config/cors.ts';
import { corsSettings } from './ports/cors-settings.ts';
import type { InstanceOptions } from './ports/instance-options.ts';
import { Replicas } from './replicas/replicas.ts';
import { processesOf } from './snapshots/processes.ts';
import { snapshotServices } from './snapshots/snapshots.ts';
import type { SnapshotServices } from './snapshots/snapshots.ts';
import { foundCluster, makeRootToken } from './start/found-cluster.ts';
import { Service } from './service/service.ts';
import { TakeUp } from './service/take-up.ts';
import { API_VERSION, VERSION } from './version.ts';
import type { Services } from './services.ts';

const AUDITED_HEADERS_PATH = 'sys/config/auditing/';

export interface Initialized extends InitResult {
  readonly rootToken: string;
}

export class Instance {
  readonly #options: InstanceOptions;
  readonly #barrier: Barrier;
  readonly #upkeep: Upkeep;
  readonly #anchors: AuditAnchors;
  readonly #assembly: Assembly;
  /** When other processes may work on the store. */
  readonly #replicas: Replicas | undefined;
  #snapshots: SnapshotServices | undefined;
  readonly #startedMs: number;
  /** The operator has sealed it: it does not open by itself. */
  #sealedByHand = false;
  readonly unsealer: Unsealer;
  #initialized = false;
  #clusterName = '';
  readonly #service: Service;
  #closing = false;
  readonly #handle: Handle;
  readonly #cors: () => Promise<CorsRecord>;
  /** Goes over to what a restore has put in the place of everything. */
  readonly #takeUp: TakeUp;

  private constructor(options: InstanceOptions) {
    this.#options = options;
    const { world, storage, seal, sealBefore, audit } = options;
    this.#startedMs = world.clock.nowMs();
    this.#barrier = new Barrier({
      storage,
      world,
      onTamper: (found) => world.log.error('stored record failed authentication', { ...found }),
    });
    this.#takeUp = new TakeUp({
      storage,
      world,
      barrier: this.#barrier,
      unsealAgain: async (rootKey) =>
        !this.#sealedByHand && !this.#closing && (await this.unsealer.unsealAgain(rootKey)),
      wentBack: (before, now) => this.#anchors.compareOwn(before, now),
      endService: async () => {
        await this.#service.end();
        // What is left under way is of the state that was replaced.
        await this.#service.left;
      },
      serve: () => this.serve(),
    });
    this.#replicas = this.#shared(storage);
    const duty = this.#replicas?.duty ?? OWN_DUTY;
    this.#upkeep = new Upkeep({ barrier: this.#barrier, world, duty });
    this.unsealer = new Unsealer({ barrier: this.#barrier, storage, seal, sealBefore, world });
    this.#service = new Service({
      world,
      sealed: () => this.#barrier.sealed,
      start: (assertWanted) => this.#start(assertWanted),
      end: (afterwards) =>
        endService(
          {
            options,
            assembly: this.#assembly,
            anchors: this.#anchors,
            barrier: this.#barrier,
            replicas: this.#replicas,
            snapshots: this.#snapshots,
            unsealer: this.unsealer,
            upkeep: this.#upkeep,
          },
          afterwards,
        ),
    });
    this.#assembly = assemble({
      world,
      barrier: this.#barrier,
      audit,
      leaseBounds: options.leaseBounds,
      initialized: () => this.#initialized,
      duty,
      shared: this.#replicas !== undefined,
      reachable: () => this.#replicas?.reachable ?? true,
      apiAddress: options.apiAddress,
      lockoutRules: options.lockoutRules,
      bindings: options.bindings,
      serving: () => this.#service.ready && !this.#barrier.sealed,
      snapshot: async (live, id) => {
        if (this.#snapshots === undefined) throw notFound();
        return await this.#snapshots.loaded.unit(live, id);
      },
      backends: (services) =>
        builtins(services, {
          version: API_VERSION,
          programVersion: VERSION,
          auditCreationAllowed: options.auditCreationAllowed,
          rawStorage: options.rawStorage ?? false,
          rotationPrograms: options.rotationPrograms ?? '',
          sanitizedConfig: options.sanitizedConfig ?? (() => ({})),
          adoptClock: () => options.steadyClock?.adopt(),
          snapshots: this.#snapshotsOf(services, duty).ports,
          further: options.furtherBackends ?? new Map(),
          status: {
            startedMs: this.#startedMs,
            reachable: () => this.#replicas?.reachable ?? true,
            replicas: this.#replicas?.nodes.bind(this.#replicas),
            clusterName: () => this.#clusterName,
            clusterId: () => this.#barrier.clusterId,
            apiAddress: options.apiAddress,
            clusterAddress: options.clusterAddress,
            hostname: hostname(),
            degraded: () => degraded(options, this.#upkeep, this.#snapshots),
          },
          seal: {
            unsealer: this.unsealer,
            initialize: (request) => this.initialize(request),
            serve: () => this.serve(),
            seal: () => this.seal(),
            makeRootToken: () => makeRootToken(services, world),
            storageType: options.storageType,
            clusterName: () => this.#clusterName,
            clusterId: () => this.#barrier.clusterId,
            openRekey: options.openRekey,
            openRootGeneration: options.openRootGeneration,
          },
          monitoring: options.monitoring,
        }),
    });
    const handle = measured(this.#assembly.handle, options.monitoring.registry, world.clock);
    this.#handle = (call) =>
      call.path.startsWith(AUDITED_HEADERS_PATH)
        ? this.#changeAuditing(handle, call)
        : handle(call);
    const { begin } = this.#assembly;
    const { clock, log } = world;
    const node = options.nodeName ?? hostname();
    this.#anchors = new AuditAnchors({ audit, begin, clock, log, node });
    this.#cors = corsSettings({ begin, sealed: () => this.#barrier.sealed });
  }

  static async open(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options);
    instance.#initialized = await instance.#barrier.initialized();
    // What happens before unsealing is recorded as well.
    await options.audit.reconcile(options.auditDevices);
    instance.#replicas?.follow();
    return instance;
  }

  #shared(storage: Storage): Replicas | undefined {
    if (!isShared(storage)) return undefined;
    const { world, apiAddress, clusterAddress } = this.#options;
    return new Replicas({
      world,
      storage,
      barrier: this.#barrier,
      begin: () => this.#barrier.begin(),
      self: () => ({
        apiAddress: apiAddress(),
        clusterAddress: clusterAddress(),
        hostname: hostname(),
        version: API_VERSION,
        startedMs: this.#startedMs,
      }),
      react: {
        expiry: () => this.#assembly.expirer.wake(),
        auditDevices: () => this.#reconcileAudit(),
        auditedHeaders: () => this.#useAuditedHeaders(),
        sealed: () => this.#openByItself(),
      },
    });
  }

  #snapshotsOf(services: Services, duty: Duty): SnapshotServices {
    const { monitoring, snapshots, storageType } = this.#options;
    this.#snapshots = snapshotServices({
      options: snapshots,
      services,
      duty,
      registry: monitoring.registry,
      clusterName: () => this.#clusterName,
      storageType,
      storage: this.#options.storage,
      refusalOfCopy: (copy) => this.unsealer.refusalOfCopy(copy),
      processes: processesOf(this.#replicas),
      takenUp: () => this.#takeUp.over,
    });
    return this.#snapshots;
  }

  /** Another server may have created the cluster, or the seal may work again. */
  async #openByItself(): Promise<void> {
    this.#initialized ||= await this.#barrier.initialized();
    const staysSealed = this.#sealedByHand || this.#closing || !this.unsealer.unattended;
    if (!this.#initialized || staysSealed) return;
    if (await this.unsealer.unsealUnattended()) await this.serve();
  }

  get handle(): Handle {
    return this.#handle;
  }

  /** Which origins of browsers are answered. */
  get cors(): () => Promise<CorsRecord> {
    return this.#cors;
  }

  /** A change of the audited headers holds from its answer on. */
  async #changeAuditing(handle: Handle, call: Call): ReturnType<Handle> {
    const answer = await handle(call);
    if (!this.#barrier.sealed) await this.#useAuditedHeaders();
    return answer;
  }

  async #useAuditedHeaders(): Promise<void> {
    this.#options.audit.useHeaders(await auditedHeaders(this.#assembly.begin()));
  }

  get initialized(): boolean {
    return this.#initialized;
  }

  get sealed(): boolean {
    return this.#barrier.sealed;
  }

  get snapshots(): SnapshotServices | undefined {
    return this.#snapshots;
  }

  get services(): Assembly {
    return this.#assembly;
  }

  /** Creates the cluster with its first records and a root token. @throws {RequestError} */
  async initialize(request: InitRequest, rootTokenId?: string): Promise<Initialized> {
    const { world, clusterName: name } = this.#options;
    let rootToken = '';
    const result = await this.unsealer.init(request, async () => {
      rootToken = await foundCluster(this.#assembly, { world, name, rootTokenId });
    });
    this.#initialized = true;
    // What is answered now is never told again: going into service is tried again without the caller.
    if (!this.#barrier.sealed) await this.serve().catch(() => {});
    return { ...result, rootToken };
  }

  /** The devices of the configuration, and those that were enabled through the API, here or on another server. */
  async #reconcileAudit(): Promise<void> {
    const { audit, auditDevices } = this.#options;
    const stored = await storedAuditDevices(this.#assembly.begin());
    await audit.reconcile([
      ...auditDevices,
      ...stored.map((device) => ({ ...device, declared: false })),
    ]);
  }

  /** After unsealing: loads what requests need and starts the background work. */
  async serve(): Promise<void> {
    await this.#service.serve();
  }

  async #start(assertWanted: () => void): Promise<void> {
    const { audit } = this.#options;
    const { begin, expirer } = this.#assembly;
    forgetStore(this.#assembly);
    const seed = this.#barrier.checkpointSeed();
    audit.unsealed({
      deviceKey: (salt) => this.#barrier.auditHmac.digest(`audit device ${salt}`),
      signer: createLogSigner(seed),
      storePosition: () => this.#barrier.position,
    });
    wipe(seed);
    await this.#reconcileAudit();
    assertWanted();
    await this.#anchors.start(this.#barrier.position);
    await this.#useAuditedHeaders();
    this.#clusterName = (await clusterRecord(begin())).name;
    if (this.#replicas === undefined) await this.#assembly.intents.resume();
    assertWanted();
    expirer.start();
    await this.#replicas?.enter();
    assertWanted();
    await this.#upkeep.start();
    assertWanted();
    this.#snapshots?.start();
    this.#sealedByHand = false;
    this.#options.world.log.named('core').info('unsealed');
  }

  /** Wipes every key, however slow the store is; nothing can be read until the next unseal. */
  async seal(): Promise<void> {
    this.#sealedByHand = true;
    await this.#service.end();
  }

  /** Takes leave, wipes every key, and then waits for what is left under way. */
  async close(): Promise<void> {
    this.#closing = true;
    const stopped = Promise.allSettled([this.#snapshots?.stop(), this.#replicas?.close()]);
    if (!this.#barrier.sealed) await this.#service.end('stopped');
    await stopped;
    this.#snapshots?.close();
    await this.#service.left;
    await this.#assembly.stopBackends();
    await this.#options.audit.close();
    await this.#options.storage.close();
  }
}
