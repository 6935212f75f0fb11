/** What the barrier keeps of the key that is shared out. */
import { hash } from 'node:crypto';
import type { Alongside } from '../barrier/first-records.ts';
import { RECOVERY_KEY, UNSEAL_KEY } from './sealed-root.ts';

/** Of an unseal key itself, so that a new root key can be wrapped; of a recovery key a digest, to compare with. */
export function quorumRecord(key: Buffer, unattended: boolean): Alongside {
  return unattended
    ? { key: RECOVERY_KEY, value: hash('sha256', key, 'buffer') }
    : { key: UNSEAL_KEY, value: key };
}
