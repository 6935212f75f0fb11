/** Auth methods: their settings, roles, users and groups, as far as they can be read. */
import { base62, systemRandom } from '../../../../base/random.ts';
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { isEmpty } from '../compare.ts';
import { AUTH_KINDS, OLD_NAMES, SHOWN_ONLY } from './auth-kinds.ts';
import type { AuthKind, Collection } from './auth-kinds.ts';
import { carryMount, mountsOf } from './mounts.ts';
import type { Carried, FoundMount } from './mounts.ts';
import { guarded, namesOf, readMaybe, settle } from './place.ts';
import type { Place } from './place.ts';

const SECTION = 'auth';
/** Of a password that nobody learns. */
const STAND_IN_LENGTH = 48;

export async function carryAuth(place: Place): Promise<void> {
  let mounts: FoundMount[] = [];
  await guarded(place, SECTION, 'sys/auth', async () => {
    mounts = await mountsOf(place, 'auth');
  });
  for (const [index, mount] of mounts.entries()) {
    place.progress('auth methods', index, mounts.length);
    const kind = AUTH_KINDS.get(mount.type.replace(/^ns_/, ''));
    if (kind === undefined) {
      place.ledger.lost(
        `${place.namespace}auth/${mount.path}`,
        `there is no auth method ${mount.type} here`,
      );
      continue;
    }
    const carried = await methodHere(place, mount);
    if (carried !== 'no') await carryMethod(place, `auth/${mount.path}`, kind, carried === 'fresh');
  }
}

/** Tokens have a mount everywhere, and only that one. */
async function methodHere(place: Place, mount: FoundMount): Promise<Carried> {
  if (mount.type.endsWith('token')) return 'there';
  let carried: Carried = 'no';
  await guarded(place, SECTION, mount.path, async () => {
    carried = await carryMount(place, mount, 'auth');
  });
  return carried;
}

async function carryMethod(
  place: Place,
  at: string,
  kind: AuthKind,
  fresh: boolean,
): Promise<void> {
  for (const config of kind.configs) await carryConfig(place, at + config, kind, fresh);
  for (const collection of kind.collections) await carryCollection(place, at, collection);
}

async function carryConfig(
  place: Place,
  path: string,
  kind: AuthKind,
  fresh: boolean,
): Promise<void> {
  let wanted: JsonObject = {};
  await guarded(place, SECTION, path, async () => {
    wanted = writable((await place.source.read(path)) ?? {});
  });
  if (Object.values(wanted).every(isEmpty)) return;
  for (const field of kind.unreadable) {
    place.ledger.lost(`${place.namespace}${path}`, `${field}, which is never shown, if it is set`);
  }
  await settle(place, {
    section: SECTION,
    name: path,
    wanted,
    read: async () => (fresh ? undefined : await configHere(place, path)),
    write: async () => {
      const standIn =
        kind.stand === undefined || (await configHere(place, path)) !== undefined
          ? {}
          : { [kind.stand]: base62(systemRandom, STAND_IN_LENGTH) };
      await place.target.post(path, { ...wanted, ...standIn });
    },
  });
}

/** A configuration that says nothing is one that nobody has written. */
async function configHere(place: Place, path: string): Promise<JsonObject | undefined> {
  const here = await readMaybe(place, path);
  return here === undefined || Object.values(here).every(isEmpty) ? undefined : here;
}

async function carryCollection(place: Place, at: string, collection: Collection): Promise<void> {
  const names = await namesOf(place, SECTION, at + collection.list);
  for (const name of names) {
    const path = `${at}${collection.item}/${name}`;
    let wanted: JsonObject = {};
    const found = await guarded(place, SECTION, path, async () => {
      wanted = writable((await place.source.read(path)) ?? {});
    });
    if (!found) continue;
    const { stand } = collection;
    const carried = await settle(place, {
      section: SECTION,
      name: path,
      wanted,
      read: async () => await readMaybe(place, path),
      write: async () => {
        const standIn =
          stand === undefined || (await readMaybe(place, path)) !== undefined
            ? {}
            : { [stand.field]: base62(systemRandom, STAND_IN_LENGTH) };
        await place.target.post(path, { ...wanted, ...standIn });
      },
    });
    if (stand !== undefined && carried === 'create') {
      place.ledger.lost(`${place.namespace}${path}`, stand.lost);
    }
    if (carried !== 'no') await carryParts(place, path, collection);
  }
}

async function carryParts(place: Place, path: string, collection: Collection): Promise<void> {
  for (const part of collection.parts ?? []) {
    await guarded(place, SECTION, `${path}/${part}`, async () => {
      const wanted = await place.source.read(`${path}/${part}`);
      if (wanted === undefined) return;
      await settle(place, {
        section: SECTION,
        name: `${path}/${part}`,
        wanted,
        // A part that was made with its item is nobody's choice.
        read: async () => {
          const here = await readMaybe(place, `${path}/${part}`);
          return JSON.stringify(here) === JSON.stringify(wanted) ? here : undefined;
        },
        write: async () => await place.target.post(`${path}/${part}`, wanted),
      });
    });
  }
  const { lostList } = collection;
  if (lostList === undefined) return;
  await guarded(place, SECTION, `${path}/${lostList.path}`, async () => {
    const lost = await place.source.list(`${path}/${lostList.path}`, () => {});
    if (lost.length > 0)
      place.ledger.lost(`${place.namespace}${path}`, `${lost.length} ${lostList.what}`);
  });
}

/** Of what a read shows, what a write takes. */
function writable(data: JsonObject): JsonObject {
  const kept = Object.entries(data).filter(([name, value]): boolean => {
    if (SHOWN_ONLY.has(name) || value === null || value === '') return false;
    return !(OLD_NAMES.includes(name) && Object.hasOwn(data, `token_${name}`));
  });
  return Object.fromEntries(kept) as Record<string, JsonValue>;
}
