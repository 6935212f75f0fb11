/** Quotas: rates of requests and numbers of leases. */
import { guarded, namesOf, settleAt } from './place.ts';
import type { Place } from './place.ts';
import { only } from './own-ids.ts';

const SECTION = 'quotas';
const KINDS = [
  {
    folder: 'sys/quotas/rate-limit',
    fields: ['path', 'role', 'inheritable', 'rate', 'interval', 'block_interval'],
  },
  { folder: 'sys/quotas/lease-count', fields: ['path', 'role', 'inheritable', 'max_leases'] },
] as const;
/** They are the root namespace's, whichever they bound; the settings of all quotas stay each server's own. */
export async function carryQuotas(place: Place): Promise<void> {
  for (const { folder, fields } of KINDS) {
    for (const name of await namesOf(place, SECTION, folder)) {
      await carry(place, `${folder}/${name}`, fields);
    }
  }
}

async function carry(place: Place, path: string, fields: readonly string[]): Promise<void> {
  await guarded(place, SECTION, path, async () => {
    const data = await place.source.read(path);
    if (data === undefined) return;
    const wanted = only(data, fields);
    await settleAt(place, path, {
      section: SECTION,
      name: path,
      wanted,
    });
  });
}
