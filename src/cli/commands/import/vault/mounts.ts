/** Mounts with their settings: of KV engines, and of auth methods. */
import { ApiError } from '../../../../client/errors.ts';
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { equalJson, isEmpty } from '../compare.ts';
import { faultOfPath } from '../names.ts';
import { readMaybe, settle } from './place.ts';
import type { Place } from './place.ts';

/** Settings of a mount that both servers know. */
const TUNED = [
  'default_lease_ttl',
  'max_lease_ttl',
  'listing_visibility',
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'passthrough_request_headers',
  'allowed_response_headers',
] as const;
/** Of auth methods besides. */
const TOKEN_TYPE = 'token_type';

export interface FoundMount {
  /** With a slash at its end. */
  readonly path: string;
  readonly type: string;
  readonly accessor: string;
  /** Of KV: 1 or 2. */
  readonly version: 1 | 2;
  readonly description: string;
  readonly options: JsonObject | null;
  readonly config: JsonObject;
}

/** First segments of paths that belong to the server itself: a source that calls them an engine wants to write there. */
const RESERVED: ReadonlySet<string> = new Set(['auth', 'cubbyhole', 'identity', 'sys']);

/** What `sys/mounts` or `sys/auth` of the source says. */
export async function mountsOf(place: Place, table: 'mounts' | 'auth'): Promise<FoundMount[]> {
  const data = (await tableOf(place, table)) ?? {};
  return Object.entries(data).flatMap(([path, raw]) => {
    if (!isJsonObject(raw) || typeof raw['type'] !== 'string' || !path.endsWith('/')) return [];
    const fault = faultOfPath(path.slice(0, -1));
    if (fault !== undefined) {
      place.ledger.fail(table, place.namespace + path, new Error(`the name is refused: ${fault}`));
      return [];
    }
    return [foundMount(path, raw['type'], raw)];
  });
}

/** All of them where the token may see that, else those that it may see something in. */
async function tableOf(place: Place, table: 'mounts' | 'auth'): Promise<JsonObject | undefined> {
  try {
    return await place.source.object(`sys/${table}`);
  } catch (cause) {
    if (table !== 'mounts' || !(cause instanceof ApiError) || cause.status !== FORBIDDEN)
      throw cause;
    const visible = (await place.source.read('sys/internal/ui/mounts'))?.['secret'];
    if (!isJsonObject(visible) || Object.keys(visible).length === 0) throw cause;
    place.ledger.lost(
      `${place.namespace}sys/mounts`,
      'the token may not read it: engines that it sees nothing in, and settings of the others, stay behind',
    );
    return visible;
  }
}

const FORBIDDEN = 403;

function foundMount(path: string, type: string, raw: JsonObject): FoundMount {
  const options = isJsonObject(raw['options']) ? raw['options'] : null;
  return {
    path,
    type,
    accessor: textOf(raw['accessor']),
    version: options?.['version'] === '2' ? 2 : 1,
    description: textOf(raw['description']),
    options,
    config: isJsonObject(raw['config']) ? raw['config'] : {},
  };
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function assertOwnPath(path: string): void {
  if (RESERVED.has(path.split('/', 1)[0] ?? '')) {
    throw new Error('the name is refused: it belongs to the server itself');
  }
}

/** Whether a mount of this kind is here. `fresh`: since now, so that nobody has chosen its settings. */
export type Carried = 'fresh' | 'there' | 'no';

/** Mounts the same here, with its settings. */
export async function carryMount(
  place: Place,
  mount: FoundMount,
  table: 'mounts' | 'auth',
): Promise<Carried> {
  const { path, type, description } = mount;
  if (table === 'mounts') assertOwnPath(path);
  const names = table === 'auth' ? [...TUNED, TOKEN_TYPE] : TUNED;
  const config = Object.fromEntries(
    names.flatMap((name): [string, JsonValue][] => {
      const value = mount.config[name];
      return value === undefined || isEmpty(value) ? [] : [[name, value]];
    }),
  );
  const isKv = table === 'mounts';
  const options = isKv ? { version: String(mount.version) } : {};
  const wanted: JsonObject = { type, ...(isKv ? { options } : {}), description, config };
  const here = await hereAt(place, table, path);
  if (here !== undefined && !sameKind(here, mount, isKv)) {
    const what = isKv
      ? `a ${here.type} engine, version ${here.version}`
      : `the method ${here.type}`;
    place.ledger.fail(table, place.namespace + path, new Error(`${what} is mounted there`));
    return 'no';
  }
  const settled = await settle(place, {
    section: table,
    name: path,
    wanted,
    detail: isKv ? `${type} version ${mount.version}` : type,
    read: async () => (here === undefined ? undefined : {}),
    same: () =>
      here !== undefined &&
      // A description is for people: that it is another one here keeps nobody from anything.
      Object.entries(config).every(([name, value]) => equalJson(here.config[name] ?? null, value)),
    write: async () => {
      const at = `sys/${table}/${path.slice(0, -1)}`;
      if (here === undefined) await place.target.post(at, wanted);
      else await place.target.post(`${at}/tune`, { description, ...config });
    },
  });
  if (settled === 'create') return 'fresh';
  // Settings that differ keep nothing from being carried below.
  return here === undefined ? 'no' : 'there';
}

export function sameKind(here: FoundMount, mount: FoundMount, isKv: boolean): boolean {
  const kindOf = (type: string): string => (type === 'generic' ? 'kv' : type);
  return kindOf(here.type) === kindOf(mount.type) && (!isKv || here.version === mount.version);
}

/** The target's mount at `path`. */
export async function hereAt(
  place: Place,
  table: 'mounts' | 'auth',
  path: string,
): Promise<FoundMount | undefined> {
  const raw = (await mountTable(place, table))[path];
  return isJsonObject(raw) ? foundMount(path, textOf(raw['type']), raw) : undefined;
}

/** The target's own table, by path. */
export async function mountTable(place: Place, table: 'mounts' | 'auth'): Promise<JsonObject> {
  const data = await readMaybe(place, `sys/${table}`);
  const inner = data?.['data'];
  return (isJsonObject(inner) ? inner : data) ?? {};
}
