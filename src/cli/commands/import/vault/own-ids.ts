/** Ids are each server's own: what an id of the source is called there, and which id has that name here. */
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { isJsonObject } from '../../../../client/json.ts';
import { faultOfPath } from '../names.ts';
import { mountTable, mountsOf, textOf } from './mounts.ts';
import { readMaybe } from './place.ts';
import type { Place } from './place.ts';

export function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Of entities or groups. Those that are not here are left out, and written down. */
export async function idsHere(
  place: Place,
  owner: string,
  kind: 'entity' | 'group',
  ids: JsonValue | undefined,
): Promise<string[]> {
  const here: string[] = [];
  for (const id of texts(ids)) {
    const there =
      faultOfPath(id) === undefined
        ? await place.source.read(`identity/${kind}/id/${id}`)
        : undefined;
    const name = textOf(there?.['name']);
    const found =
      name === '' || faultOfPath(name) !== undefined
        ? undefined
        : await readMaybe(place, `identity/${kind}/name/${name}`);
    const own = textOf(found?.['id']);
    if (own !== '') here.push(own);
    else if (place.ledger.dryRun && name !== '') here.push(`new ${name}`);
    else place.ledger.lost(place.namespace + owner, `${kind} ${name || id}, which is not here`);
  }
  return here;
}

/** Of auth methods, by where they are mounted. */
export async function accessorsHere(
  place: Place,
  owner: string,
  accessors: JsonValue | undefined,
): Promise<string[]> {
  const wanted = texts(accessors);
  if (wanted.length === 0) return [];
  const mounts = await mountsOf(place, 'auth');
  const table = await mountTable(place, 'auth');
  const here: string[] = [];
  for (const accessor of wanted) {
    const path = mounts.find((mount) => mount.accessor === accessor)?.path ?? '';
    const found = table[path];
    const own = isJsonObject(found) ? textOf(found['accessor']) : '';
    if (own !== '') here.push(own);
    else if (place.ledger.dryRun && path !== '') here.push(`new ${path}`);
    else
      place.ledger.lost(
        place.namespace + owner,
        `the auth method ${path || accessor}, which is not here`,
      );
  }
  return here;
}

/** The members of `data` with these names. */
export function only(data: JsonObject, names: readonly string[]): JsonObject {
  const kept = names.flatMap((name) => {
    const value = data[name];
    return value === undefined || value === null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}
