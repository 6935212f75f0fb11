/** What a sealed server has to read: which seal, how its key is shared out, and the root key under it. Stored in clear. */
import { CLEAR_PREFIX, KEYS_PREFIX } from '../barrier/storage-keys.ts';
import type { Alongside } from '../barrier/first-records.ts';
import { StorageError, type Storage } from '../storage/storage.ts';
import { type Sharing } from './seal.ts';
import { sharingFault } from './shares.ts';

export const SEAL_CONFIG_KEY: string = `${CLEAR_PREFIX}config`;
export const WRAPPED_ROOT_KEY: string = `${CLEAR_PREFIX}root-key`;
/** SHA-256 of the recovery key, encrypted: shares given for an operation must join to it. */
export const RECOVERY_KEY = 'core/recovery-key';
/** The unseal key of a Shamir seal, encrypted. Whoever can read it has the root key anyway. */
export const UNSEAL_KEY: string = `${KEYS_PREFIX}unseal`;

export interface SealConfig {
  readonly type: string;
  /** How the unseal key, or with an unattended seal the recovery key, is shared out; undefined = no recovery keys. */
  readonly sharing: Sharing | undefined;
}

export interface SealedRoot {
  readonly config: SealConfig;
  readonly wrapped: Buffer;
}

export function sealRecords({ config, wrapped }: SealedRoot): Alongside[] {
  return [sealConfigRecord(config), { key: WRAPPED_ROOT_KEY, value: wrapped }];
}

export function sealConfigRecord(config: SealConfig): Alongside {
  return { key: SEAL_CONFIG_KEY, value: Buffer.from(JSON.stringify(config)) };
}

/** undefined = there is no cluster. */
export async function readSealedRoot(storage: Storage): Promise<SealedRoot | undefined> {
  const [config, wrapped] = await storage.read([SEAL_CONFIG_KEY, WRAPPED_ROOT_KEY]);
  if (config === undefined && wrapped === undefined) return undefined;
  if (config === undefined || wrapped === undefined) {
    throw new StorageError('part of the stored seal configuration is missing');
  }
  return { config: parseConfig(config.value), wrapped: wrapped.value };
}

/** The store is not trusted, so nothing is taken for granted about its shape. */
function parseConfig(value: Buffer): SealConfig {
  const config = parsed(value);
  if (typeof config !== 'object' || config === null || !('type' in config)) throw malformed();
  const { type } = config;
  if (typeof type !== 'string') throw malformed();
  if (!('sharing' in config) || config.sharing === undefined) return { type, sharing: undefined };
  const { sharing } = config;
  if (typeof sharing !== 'object' || sharing === null) throw malformed();
  if (!('shares' in sharing) || !('threshold' in sharing)) throw malformed();
  const { shares, threshold } = sharing;
  if (typeof shares !== 'number' || typeof threshold !== 'number') throw malformed();
  if (sharingFault({ shares, threshold }) !== undefined) throw malformed();
  return { type, sharing: { shares, threshold } };
}

/** The parser's own error would repeat what it stumbled over. */
function parsed(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    throw malformed();
  }
}

function malformed(): StorageError {
  return new StorageError('the stored seal configuration is malformed');
}
