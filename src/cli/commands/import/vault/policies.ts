/** Policies, and policies of passwords. */
import type { JsonObject } from '../../../../client/json.ts';
import { namesOf, readMaybe, settle } from './place.ts';
import type { Place } from './place.ts';
import { textOf } from './mounts.ts';

const KINDS = [
  { section: 'policies', folder: 'sys/policies/acl' },
  { section: 'password policies', folder: 'sys/policies/password' },
] as const;
/** Is not written down: it may do everything. */
const ROOT = 'root';
/** Each server has its own. */
const DEFAULT = 'default';

export async function carryPolicies(place: Place): Promise<void> {
  const { ledger, source, target } = place;
  for (const { section, folder } of KINDS) {
    const names = await namesOf(place, section, folder);
    for (const [index, name] of names.entries()) {
      place.progress(section, index, names.length);
      if (name === ROOT || name === 'response-wrapping') continue;
      const path = `${folder}/${name}`;
      let policy = '';
      await settle(place, {
        section,
        name,
        wanted: {},
        read: async () => {
          policy = textOf((await source.read(path))?.['policy']);
          if (policy === '') throw new Error('the source does not say what it holds');
          const here = await readMaybe(place, path);
          // A namespace that is made comes with its own.
          return here === undefined && name === DEFAULT && ledger.dryRun ? {} : here;
        },
        same: (here: JsonObject) =>
          textOf(here['policy']) === policy ||
          // Servers come with default policies of their own, which nobody has written.
          (name === DEFAULT && ledger.onConflict !== 'overwrite'),
        write: async () => await target.post(path, { policy }),
      });
    }
  }
}
