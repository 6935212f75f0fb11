/** Keys that the product stores things under, as far as a simulation looks at them: names are not encrypted, values are. */
import { dataKey } from '../../src/barrier/barrier-unit.ts';
import { EXPIRY_PREFIX } from '../../src/leases/expiry-queue.ts';

export const INTENTS: string = dataKey('root', 'core/intent/', '');
export const QUEUE: string = dataKey('root', EXPIRY_PREFIX, '');
export const LEASES: string = dataKey('root', 'core/lease/', 'id/');
export const DUTY_KEY: string = dataKey('root', 'core/duty/', 'expiry');

export interface QueueEntry {
  readonly atMs: number;
  readonly kind: string;
  /** As it stands in the key, without its namespace. */
  readonly id: string;
}

/** What an entry of the expiry queue is about; undefined for any other key. */
export function queueEntryOf(key: string): QueueEntry | undefined {
  if (!key.startsWith(QUEUE)) return undefined;
  const [time = '', kind = '', , id = ''] = key.slice(QUEUE.length).split(':');
  return { atMs: Number.parseInt(time, 36), kind, id };
}
