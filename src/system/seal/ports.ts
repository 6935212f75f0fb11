/** What the paths around the seal need of the rest. */
import type { KeyStatus, RotationConfig } from '../../barrier/keys/keyring.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { InitRequest, InitResult, Unsealer } from '../../seal/unsealer.ts';
import { parseShare } from '../../seal/shares.ts';

export interface SealPorts {
  readonly unsealer: Unsealer;
  readonly keyring: {
    keyStatus(): Promise<KeyStatus>;
    rotate(): Promise<KeyStatus>;
    rotationConfig(): Promise<RotationConfig>;
    setRotationConfig(wish: Partial<RotationConfig>): Promise<void>;
  };
  /** Creates the cluster with its first records and a root token. */
  readonly initialize: (
    request: InitRequest,
  ) => Promise<InitResult & { readonly rootToken: string }>;
  /** Brings the server into service once the barrier is open. Does nothing when it is in service. */
  readonly serve: () => Promise<void>;
  /** Wipes every key and takes the server out of service. */
  readonly seal: () => Promise<void>;
  /** Makes and stores a root token. */
  readonly makeRootToken: () => Promise<string>;
  readonly version: string;
  readonly storageType: string;
  /** Only asked while the server is unsealed. */
  readonly clusterName: () => string;
  readonly clusterId: () => string;
  /** `sys/rekey/*` needs no token, as Vault's contract has it; by default it does. */
  readonly openRekey: boolean;
  /** The same of `sys/generate-root/*`. */
  readonly openRootGeneration: boolean;
}

/** A share as a request carries it, for the callee to wipe. @throws {RequestError} */
export function shareOf(key: string | undefined): Buffer {
  if (key === undefined || key === '') {
    throw invalidRequest("'key' must be specified in request body as JSON");
  }
  return parseShare(key);
}
