/** What a running server is made of. */
import type { SteadyClock } from '../../base/steady-clock.ts';
import type { AuditBroker, AuditDeviceSpec } from '../../audit/broker.ts';
import type { World } from '../../base/world.ts';
import type { Binding } from '../../core/bindings/bindings.ts';
import type { LockoutRules } from '../../core/lockout/lockout.ts';
import type { LeaseBounds } from '../../core/mounts/mount-table.ts';
import type { Backend } from '../../model/backend.ts';
import type { Seal } from '../../seal/seal.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Monitoring } from '../monitoring.ts';
import type { SnapshotOptions } from '../snapshots/options.ts';

export interface InstanceOptions {
  readonly world: World;
  readonly storage: Storage;
  readonly storageType: string;
  /** Tells this server from others on the store and the machine, start after start; the host's name without it. */
  readonly nodeName?: string;
  readonly seal: Seal;
  /** The seal that is being left. */
  readonly sealBefore?: Seal | undefined;
  readonly audit: AuditBroker;
  readonly auditDevices: readonly AuditDeviceSpec[];
  /** How snapshots are made and where they may go; without it there are none. */
  readonly snapshots?: SnapshotOptions;
  /** `unsafe_allow_api_audit_creation` of the configuration. */
  readonly auditCreationAllowed: boolean;
  /** `raw_storage_endpoint` of the configuration. */
  readonly rawStorage?: boolean;
  /** `rotation_program_directory` of the configuration. */
  readonly rotationPrograms?: string;
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
  /** The clock of the world, where it may disagree with the machine's. */
  readonly steadyClock?: Pick<SteadyClock, 'offMs' | 'adopt'>;
  /** Engines beside the built-in ones, by type. */
  readonly furtherBackends?: ReadonlyMap<string, () => Backend>;
}
