/** Secrets of KV mounts, version 1 and 2: every version with its number, its times and its states. */
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject } from '../../../../client/json.ts';
import { equalJson, isEmpty } from '../compare.ts';
import { faultOfPath, shown } from '../names.ts';
import { postImport } from '../post-import.ts';
import { difference, historyOf } from './history.ts';
import type { Difference, History, VersionState } from './history.ts';
import { assertOwnPath, carryMount, hereAt, mountsOf, sameKind } from './mounts.ts';
import type { FoundMount } from './mounts.ts';
import { guarded, readMaybe, refuseName, settle } from './place.ts';
import type { Place } from './place.ts';
import { SOURCE_NAMES_MAX } from './source.ts';

const SECTION = 'secrets';
/** How deep folders may lie in each other. */
const DEPTH_MAX = 100;
/** Secrets that are carried at a time. */
const AT_ONCE = 8;
/** What one call to the target carries, at least one version. */
const CALL_BYTES_MAX = 8 * 1024 * 1024;
const CALL_VERSIONS_MAX = 500;

/** Mounts that every namespace has, and whose contents are carried elsewhere or not at all. */
const OWN_TYPES: ReadonlySet<string> = new Set([
  'system',
  'identity',
  'cubbyhole',
  'ns_system',
  'ns_identity',
  'ns_cubbyhole',
]);

/** The mounts of this place, made here as well. @param withSecrets carries their secrets too */
export async function carryKv(
  place: Place,
  wants: { readonly mounts: boolean; readonly secrets: boolean },
): Promise<void> {
  let mounts: FoundMount[] = [];
  await guarded(place, 'mounts', 'sys/mounts', async () => {
    mounts = await mountsOf(place, 'mounts');
  });
  for (const mount of mounts) {
    if (OWN_TYPES.has(mount.type)) continue;
    if (mount.type !== 'kv' && mount.type !== 'generic') {
      const reason = `an engine of type ${mount.type}: its keys and connections do not leave the server`;
      place.ledger.lost(place.namespace + mount.path, reason);
      continue;
    }
    if (place.mounts.length > 0 && !place.mounts.includes(place.namespace + mount.path)) continue;
    place.mountsMet.add(place.namespace + mount.path);
    let there = false;
    await guarded(place, 'mounts', mount.path, async () => {
      assertOwnPath(mount.path);
      if (!wants.mounts) {
        const here = await hereAt(place, 'mounts', mount.path);
        if (here === undefined || !sameKind(here, mount, true)) {
          throw new Error(`there is no key-value engine of version ${mount.version} here`);
        }
        there = true;
        return;
      }
      const carried = await carryMount(place, mount, 'mounts');
      there = carried !== 'no';
      if (there && mount.version === 2) {
        await carryMountSettings(place, mount.path, carried === 'fresh');
      }
    });
    if (there && wants.secrets) await carrySecrets(place, mount);
  }
}

async function carryMountSettings(place: Place, mount: string, fresh: boolean): Promise<void> {
  const path = `${mount}config`;
  const found = await place.source.read(path);
  if (found === undefined) return;
  const names = ['max_versions', 'cas_required', 'metadata_cas_required', 'delete_version_after'];
  const wanted: JsonObject = {};
  for (const name of names) if (found[name] !== undefined) wanted[name] = found[name];
  if (Object.values(wanted).every((value) => isEmpty(value) || value === '0s')) return;
  await settle(place, {
    section: 'mounts',
    name: path,
    wanted,
    // Settings that nobody has chosen yet are in nobody’s way.
    read: async () => (fresh ? undefined : await readMaybe(place, path)),
    same: (here) => equalSettings(here, wanted),
    write: async () => await place.target.post(path, wanted),
  });
}

function equalSettings(here: JsonObject, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([name, value]) => equalJson(here[name] ?? null, value));
}

async function carrySecrets(place: Place, mount: FoundMount): Promise<void> {
  const names: string[] = [];
  const listed = await guarded(place, SECTION, mount.path, async () => {
    await walk(place, mount, names);
  });
  if (!listed && names.length === 0) return;
  const phase = `${place.ledger.dryRun ? 'comparing' : 'importing'} ${shown(place.namespace + mount.path)}`;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < names.length; index = next++) {
      const name = names[index] ?? '';
      place.progress(phase, index, names.length);
      const path = mount.path + name;
      await guarded(place, SECTION, path, async () =>
        mount.version === 2
          ? await carryVersions(place, mount.path, name)
          : await carryOne(place, path),
      );
    }
  };
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  place.progress(phase, names.length, names.length);
}

/** All names of a mount, folder by folder: every server can do that. */
async function walk(place: Place, mount: FoundMount, names: string[]): Promise<void> {
  const base = mount.version === 2 ? `${mount.path}metadata/` : mount.path;
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const at = folder;
    await guarded(place, SECTION, mount.path + at, async () => {
      const keys = await place.source.list(base + at, (bad) =>
        refuseName(place, SECTION, (mount.path + at).replace(/\/$/, ''), bad),
      );
      for (const key of keys) {
        const path = at + key;
        const bare = path.endsWith('/') ? path.slice(0, -1) : path;
        const fault = bare.split('/').length > DEPTH_MAX ? 'it lies too deep' : faultOfPath(bare);
        if (fault !== undefined) refuseName(place, SECTION, mount.path, { name: path, fault });
        else (key.endsWith('/') ? folders : names).push(path);
      }
    });
    place.progress(
      `listing ${shown(place.namespace + mount.path)}`,
      names.length,
      names.length + folders.length,
    );
    if (names.length + folders.length > SOURCE_NAMES_MAX) {
      throw new Error(`more than ${SOURCE_NAMES_MAX} names: choose mounts with -mount`);
    }
  }
}

/** Version 1: one value, without a history. */
async function carryOne(place: Place, path: string): Promise<void> {
  const wanted = await place.source.read(path);
  if (wanted === undefined) return;
  await settle(place, {
    section: SECTION,
    name: path,
    wanted,
    read: async () => await readMaybe(place, path),
    same: (here) => equalJson(here, wanted),
    write: async () => await place.target.post(path, wanted),
  });
}

async function carryVersions(place: Place, mount: string, name: string): Promise<void> {
  const { ledger, source } = place;
  const label = place.namespace + mount + name;
  const data = await source.read(`${mount}metadata/${name}`);
  if (data === undefined) return;
  const history = historyOf(data);
  const here = await readMaybe(place, `${mount}metadata/${name}`);
  const found = difference(history, here === undefined ? undefined : historyOf(here), Date.now());
  if (found.kind === 'same') {
    ledger.record(SECTION, label, 'same');
    return;
  }
  if (found.kind === 'conflict' && !ledger.conflict(SECTION, label, found.why)) return;
  const plan = found.kind === 'conflict' ? replacing(history, found.newest) : found;
  const unreadable = await send(place, {
    mount,
    name,
    history,
    plan,
    replace: found.kind === 'conflict',
  });
  const count = `${plan.missing.length} version${plan.missing.length === 1 ? '' : 's'}`;
  ledger.record(SECTION, label, here === undefined ? 'create' : 'change', count);
  if (unreadable.length > 0) {
    ledger.lost(
      label,
      `the value of deleted versions (${unreadable.join(', ')}): undelete them there first if it is wanted`,
    );
  }
}

type Further = Extract<Difference, { readonly kind: 'further' }>;

function replacing(history: History, cas: number): Further {
  return { kind: 'further', cas, missing: history.versions, changed: [], withSettings: true };
}

interface Sending {
  readonly mount: string;
  readonly name: string;
  readonly history: History;
  readonly plan: Further;
  readonly replace: boolean;
}

/** Reads the values that are missing, and hands them over, oldest first, in calls of bearable size. */
async function send(place: Place, sending: Sending): Promise<number[]> {
  const { history, plan, mount, name } = sending;
  const unreadable: number[] = [];
  let { cas } = plan;
  let versions: JsonObject[] = plan.changed.map((version) => stateOf(version));
  let bytes = 0;
  let first = true;
  const call = async (last: boolean): Promise<void> => {
    const body: JsonObject = {
      cas,
      ...(first && sending.replace ? { replace: true } : {}),
      ...(plan.withSettings ? history.settings : {}),
      ...(last ? { ...history.times, current_version: currentOf(history) } : {}),
      versions,
    };
    if (!place.ledger.dryRun) await postImport(place.target, `${mount}import/${name}`, body);
    cas = Math.max(
      first && sending.replace ? 0 : cas,
      ...versions.map((one) => Number(one['version'])),
    );
    versions = [];
    bytes = 0;
    first = false;
  };
  for (const version of plan.missing) {
    const sent = await withValue(place, sending, version);
    if (sent.lost) unreadable.push(version.number);
    const size = JSON.stringify(sent.body).length;
    if (
      versions.length > 0 &&
      (bytes + size > CALL_BYTES_MAX || versions.length >= CALL_VERSIONS_MAX)
    ) {
      await call(false);
    }
    versions.push(sent.body);
    bytes += size;
  }
  await call(true);
  return unreadable;
}

function currentOf({ versions, current }: History): number {
  return versions.some(({ number }) => number === current) ? current : 0;
}

function stateOf(version: VersionState): JsonObject {
  return {
    version: version.number,
    created_time: version.createdTime,
    deletion_time: version.deletionTime,
    destroyed: version.destroyed,
  };
}

/** One whose value cannot be read is destroyed here: its time of deletion stays, and it cannot come back empty. */
async function withValue(
  place: Place,
  { mount, name }: Sending,
  version: VersionState,
): Promise<{ readonly body: JsonObject; readonly lost: boolean }> {
  const body = stateOf(version);
  if (version.destroyed) return { body, lost: false };
  if (place.ledger.dryRun) return { body, lost: isPast(version.deletionTime) };
  const answer = await place.source.read(`${mount}data/${name}`, {
    version: String(version.number),
  });
  const data = answer?.['data'];
  if (isJsonObject(data)) return { body: { ...body, data }, lost: false };
  if (!isPast(version.deletionTime))
    throw new Error(`the value of version ${version.number} cannot be read`);
  return { body: { ...body, destroyed: true }, lost: true };
}

function isPast(deletionTime: string): boolean {
  return deletionTime !== '' && Date.parse(deletionTime) <= Date.now();
}
