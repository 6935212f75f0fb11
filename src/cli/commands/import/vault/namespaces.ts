/** Namespaces, with those inside them. */
import { isJsonObject } from '../../../../client/json.ts';
import { guarded, readMaybe, refuseName, settle } from './place.ts';
import type { Place } from './place.ts';

/** How deep namespaces may lie in each other. */
const DEPTH_MAX = 32;
/** Namespaces of one import. */
const NAMESPACES_MAX = 10_000;

/** Makes the namespaces below `place`. @returns the paths of all of them, parents first. */
export async function carryNamespaces(place: Place, depth = 1): Promise<string[]> {
  const found: string[] = [];
  const { source, target } = place;
  let names: readonly string[] = [];
  const known = await guarded(place, 'namespaces', 'sys/namespaces', async () => {
    names = await source.list('sys/namespaces', (bad) => refuseName(place, 'namespaces', '', bad));
  });
  if (!known) return [];
  for (const key of names) {
    const name = key.endsWith('/') ? key.slice(0, -1) : key;
    if (depth > DEPTH_MAX || found.length >= NAMESPACES_MAX) {
      place.ledger.fail(
        'namespaces',
        place.namespace + name,
        new Error(`more than ${NAMESPACES_MAX} namespaces, or ${DEPTH_MAX} in each other`),
      );
      break;
    }
    const path = `sys/namespaces/${name}`;
    let notes = {};
    const carried = await settle(place, {
      section: 'namespaces',
      name: `${name}/`,
      wanted: {},
      read: async () => {
        const metadata = (await source.read(path))?.['custom_metadata'];
        notes = isJsonObject(metadata) ? metadata : {};
        return await readMaybe(place, path);
      },
      // Notes of a namespace that is here are its own.
      same: () => true,
      write: async () => await target.post(path, { custom_metadata: notes }),
    });
    if (carried === 'no') continue;
    const inside = `${name}/`;
    const own = target.namespace;
    const below = own === '' || own.endsWith('/') ? own + inside : `${own}/${inside}`;
    found.push(place.namespace + inside);
    const child: Place = {
      ...place,
      namespace: place.namespace + inside,
      source: source.in(inside),
      target: target.with({ namespace: below }),
    };
    found.push(...(await carryNamespaces(child, depth + 1)));
  }
  return found;
}
