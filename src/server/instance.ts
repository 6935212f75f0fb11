/** One running server: storage, barrier, seal, audit, core and listeners, and the order in which they start and stop. */
import { hostname } from 'node:os';
import type { AuditBroker, AuditDeviceSpec } from '../audit/broker.ts';
import { createLogSigner } from '../audit/checkpoint.ts';
import type { World } from '../base/world.ts';
import { Barrier } from '../barrier/barrier.ts';
import { Upkeep } from '../barrier/upkeep.ts';
import { bootstrapCluster, clusterRecord, issueRootToken } from '../core/bootstrap.ts';
import type { Binding } from '../core/bindings/bindings.ts';
import type { Call, Handle } from '../core/call.ts';
import { measured } from '../core/request-metrics.ts';
import type { LockoutRules } from '../core/lockout.ts';
import type { LeaseBounds } from '../core/mount-table.ts';
import type { Backend } from '../model/backend.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import type { Seal } from '../seal/seal.ts';
import { Unsealer } from '../seal/unsealer.ts';
import type { InitRequest, InitResult } from '../seal/unsealer.ts';
import type { Storage } from '../storage/storage.ts';
import { storedAuditDevices } from '../system/audit-records.ts';
import { assemble } from './assemble.ts';
import type { Assembly } from './assemble.ts';
import { AuditAnchors } from './audit-anchors.ts';
import { builtins } from './builtins.ts';
import { auditedHeaders } from '../system/config/audited-headers.ts';
import type { BackupPorts } from '../system/storage/backup.ts';
import type { CorsRecord } from '../system/config/cors.ts';
import { corsSettings } from './ports/cors-settings.ts';
import type { Monitoring } from './monitoring.ts';
import { API_VERSION, VERSION } from './version.ts';

/** Stores that other processes may be at work on at the same time. */
const SHARED_STORES: ReadonlySet<string> = new Set(['postgresql']);
const AUDITED_HEADERS_PATH = 'sys/config/auditing/';

export interface InstanceOptions {
  readonly world: World;
  readonly storage: Storage;
  readonly storageType: string;
  readonly seal: Seal;
  /** The seal that is being left. */
  readonly sealBefore?: Seal | undefined;
  readonly audit: AuditBroker;
  readonly auditDevices: readonly AuditDeviceSpec[];
  /** How a backup is taken; without it there are none. */
  readonly takeBackup?: BackupPorts['takeBackup'];
  /** `unsafe_allow_api_audit_creation` of the configuration. */
  readonly auditCreationAllowed: boolean;
  /** `raw_storage_endpoint` of the configuration. */
  readonly rawStorage?: boolean;
  /** The configuration without anything secret. */
  readonly sanitizedConfig?: () => Readonly<Record<string, unknown>>;
  readonly leaseBounds: LeaseBounds;
  readonly clusterName: string | undefined;
  readonly apiAddress: () => string;
  readonly clusterAddress: () => string;
  readonly monitoring: Monitoring;
  /** `sys/rekey/*` needs no token. */
  readonly openRekey: boolean;
  /** `sys/generate-root/*` needs no token. */
  readonly openRootGeneration: boolean;
  /** What accounts, vaults and projects of other clouds are here, from the configuration. */
  readonly bindings?: readonly Binding[] | undefined;
  /** Lockout rules of an auth method, from the configuration. */
  readonly lockoutRules?: (method: string) => LockoutRules;
  /** Engines beside the built-in ones, by type. */
  readonly furtherBackends?: ReadonlyMap<string, () => Backend>;
}

export interface Initialized extends InitResult {
  readonly rootToken: string;
}

export class Instance {
  readonly #options: InstanceOptions;
  readonly #barrier: Barrier;
  readonly #upkeep: Upkeep;
  readonly #anchors: AuditAnchors;
  readonly #assembly: Assembly;
  readonly unsealer: Unsealer;
  #initialized = false;
  #clusterName = '';
  /** Going into service, or done with it. */
  #serving: Promise<void> | undefined;
  /** In service, with everything in place. */
  #ready = false;
  readonly #handle: Handle;
  readonly #cors: () => Promise<CorsRecord>;

  private constructor(options: InstanceOptions) {
    this.#options = options;
    const { world, storage, seal, sealBefore, audit } = options;
    this.#barrier = new Barrier({
      storage,
      world,
      onTamper: (found) => world.log.error('stored record failed authentication', { ...found }),
    });
    this.#upkeep = new Upkeep({ barrier: this.#barrier, world });
    this.unsealer = new Unsealer({ barrier: this.#barrier, storage, seal, sealBefore, world });
    const startedMs = world.clock.nowMs();
    this.#assembly = assemble({
      world,
      barrier: this.#barrier,
      audit,
      leaseBounds: options.leaseBounds,
      initialized: () => this.#initialized,
      apiAddress: options.apiAddress,
      lockoutRules: options.lockoutRules,
      bindings: options.bindings,
      serving: () => this.#ready && !this.#barrier.sealed,
      backends: (services) =>
        builtins(services, {
          version: API_VERSION,
          programVersion: VERSION,
          auditCreationAllowed: options.auditCreationAllowed,
          rawStorage: options.rawStorage ?? false,
          sanitizedConfig: options.sanitizedConfig ?? (() => ({})),
          takeBackup: options.takeBackup,
          further: options.furtherBackends ?? new Map(),
          status: {
            startedMs,
            clusterName: () => this.#clusterName,
            clusterId: () => this.#barrier.clusterId,
            apiAddress: options.apiAddress,
            clusterAddress: options.clusterAddress,
            hostname: hostname(),
            degraded: () => this.#degraded(),
          },
          seal: {
            unsealer: this.unsealer,
            initialize: (request) => this.initialize(request),
            serve: () => this.serve(),
            seal: () => this.seal(),
            makeRootToken: () => this.#makeRootToken(),
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
    this.#anchors = new AuditAnchors({ audit, begin, clock, log, node: hostname() });
    this.#cors = corsSettings({ begin, sealed: () => this.#barrier.sealed });
  }

  static async open(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options);
    instance.#initialized = await instance.#barrier.initialized();
    // What happens before unsealing is recorded as well.
    await options.audit.reconcile(options.auditDevices);
    return instance;
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

  get services(): Assembly {
    return this.#assembly;
  }

  /** What keeps the server from serving as it should. */
  #degraded(): string | undefined {
    if (this.#options.audit.health.degraded) return 'audit';
    return this.#upkeep.integrity.faults.length > 0 ? 'integrity' : undefined;
  }

  /** Creates the cluster with its first records and a root token. @throws {RequestError} */
  async initialize(request: InitRequest, rootTokenId?: string): Promise<Initialized> {
    const { world, clusterName } = this.#options;
    let rootToken = '';
    const result = await this.unsealer.init(request, async () => {
      const unit = this.#assembly.begin();
      const { policies, table } = this.#assembly;
      await bootstrapCluster(unit, { world, table, policies, name: clusterName });
      rootToken = await issueRootToken(
        unit,
        this.#assembly.tokens,
        world.clock.nowMs(),
        rootTokenId,
      );
      await unit.commit();
    });
    this.#initialized = true;
    if (!this.#barrier.sealed) await this.serve();
    return { ...result, rootToken };
  }

  async #makeRootToken(): Promise<string> {
    const { begin, tokens } = this.#assembly;
    const unit = begin();
    const token = await issueRootToken(unit, tokens, this.#options.world.clock.nowMs());
    await unit.commit();
    return token;
  }

  /** After unsealing: loads what requests need and starts the background work. */
  async serve(): Promise<void> {
    if (this.#barrier.sealed) return;
    this.#serving ??= this.#start();
    try {
      await this.#serving;
    } catch (error) {
      this.#serving = undefined;
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { audit, auditDevices } = this.#options;
    const { authority, begin, expirer, identity, table } = this.#assembly;
    table.clear();
    authority.clear();
    identity.store.clear();
    this.#assembly.mfa.clear();
    this.#assembly.bindings.clear();
    const seed = this.#barrier.checkpointSeed();
    const barrier = this.#barrier;
    audit.unsealed({
      deviceKey: (salt) => barrier.auditHmac.digest(`audit device ${salt}`),
      signer: createLogSigner(seed),
    });
    wipe(seed);
    const stored = await storedAuditDevices(begin());
    await audit.reconcile([
      ...auditDevices,
      ...stored.map((device) => ({ ...device, declared: false })),
    ]);
    await this.#anchors.start();
    await this.#useAuditedHeaders();
    this.#clusterName = (await clusterRecord(begin())).name;
    if (!SHARED_STORES.has(this.#options.storageType)) await this.#assembly.intents.resume();
    expirer.start();
    await this.#upkeep.start();
    this.#ready = true;
    this.#options.world.log.named('core').info('unsealed');
  }

  /** Wipes every key; nothing can be read until the next unseal. */
  async seal(): Promise<void> {
    this.#serving = undefined;
    this.#ready = false;
    await this.#assembly.expirer.stop();
    // Not waited for: what is under way at a database must not hold up the end of the keys.
    this.#assembly.stopBackends().catch(() => {});
    await this.#anchors.stop();
    const stopped = this.#upkeep.stop();
    this.#options.audit.sealed();
    this.unsealer.seal();
    await stopped;
    this.#assembly.table.clear();
    this.#assembly.authority.clear();
    this.#assembly.identity.store.clear();
    this.#assembly.mfa.clear();
    this.#assembly.lockout.clear();
    this.#assembly.bindings.clear();
    this.#assembly.credentials.judge.clear();
    this.#options.world.log.named('core').info('sealed');
  }

  async close(): Promise<void> {
    await this.#assembly.expirer.stop();
    await this.#assembly.stopBackends();
    await this.#upkeep.stop();
    if (!this.#barrier.sealed) {
      await this.#anchors.stop();
      await this.#barrier.persistUsage().catch(() => {});
      this.unsealer.seal();
    }
    await this.#options.audit.close();
    await this.#options.storage.close();
  }
}
