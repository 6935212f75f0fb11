/** Writes secrets that come from files. Every write names the version that it replaces, so that nobody’s is overwritten by accident. */
import type { Client } from '../../../../client/client.ts';
import { ApiError, ConnectionError } from '../../../../client/errors.ts';
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject } from '../../../../client/json.ts';
import { equalJson } from '../compare.ts';
import type { Ledger } from '../ledger.ts';
import { faultOfPath } from '../names.ts';
import type { KvTarget } from '../../kv/path.ts';
import { VALUE_NAME } from './layout.ts';
import type { Entry, EntryValue } from './layout.ts';

export const SECTION = 'secrets';

export interface Store {
  readonly client: Client;
  readonly target: KvTarget;
  readonly ledger: Ledger;
  readonly progress: (phase: string, done: number, total: number) => void;
}

export async function storeEntries(store: Store, entries: readonly Entry[]): Promise<void> {
  for (const [index, entry] of entries.entries()) {
    store.progress(store.ledger.dryRun ? 'comparing' : 'importing', index, entries.length);
    await recorded(store, entry.path, async () => await storeEntry(store, entry));
  }
}

/** The path of a secret in one of the engine's folders. */
export function pathIn({ target }: Store, folder: string, path: string): string {
  const base = target.pathIn(folder);
  return path === '' ? base : `${base}/${path}`;
}

/** Runs `body` for the secret at `path`; a refusal is written down. @throws {ConnectionError} */
export async function recorded(
  store: Store,
  path: string,
  body: () => Promise<void>,
): Promise<void> {
  const label = pathIn(store, 'data', path);
  try {
    const fault = path === '' ? undefined : faultOfPath(path);
    if (fault !== undefined) throw new Error(`the name is refused: ${fault}`);
    await body();
  } catch (cause) {
    if (cause instanceof ConnectionError) throw cause;
    store.ledger.fail(SECTION, label, cause);
  }
}

async function storeEntry(store: Store, { path, value }: Entry): Promise<void> {
  const { client, ledger, target } = store;
  const at = pathIn(store, 'data', path);
  const here = await found(store, at, value);
  if (here.state === 'same') {
    ledger.record(SECTION, at, 'same');
    return;
  }
  if (here.state !== 'nothing' && !ledger.conflict(SECTION, at, here.state)) return;
  if (!ledger.dryRun) {
    await client.post(
      at,
      target.version2 ? { ...bodyOf(value), options: { cas: here.version } } : plainOf(value),
    );
  }
  ledger.record(SECTION, at, here.state === 'nothing' ? 'create' : 'change');
}

interface Here {
  /** `same`, `nothing`, or in words what is there. */
  readonly state: string;
  /** The number of the version that is there; 0 = none. */
  readonly version: number;
}

async function found(
  { client, target, ledger }: Store,
  at: string,
  value: EntryValue,
): Promise<Here> {
  let data: JsonObject | undefined;
  try {
    const detail = target.version2 && value.kind !== 'object' ? { detail: 'true' } : undefined;
    data = (await client.read(at, detail))?.data;
  } catch (cause) {
    if (!(ledger.dryRun && cause instanceof ApiError && cause.status === 404)) throw cause;
  }
  if (data === undefined) return { state: 'nothing', version: 0 };
  if (!target.version2) {
    return { state: equalJson(data, plainOf(value)) ? 'same' : 'it differs here', version: 0 };
  }
  const metadata = isJsonObject(data['metadata']) ? data['metadata'] : {};
  const version = typeof metadata['version'] === 'number' ? metadata['version'] : 0;
  const isGone = value.kind === 'object' ? data['data'] === null : data['value'] === null;
  if (isGone) return { state: 'it was deleted here', version };
  return { state: isSame(data, value) ? 'same' : 'it differs here', version };
}

function isSame(data: JsonObject, value: EntryValue): boolean {
  if (value.kind === 'object') return equalJson(data['data'] ?? null, value.data);
  const encoding = value.kind === 'text' ? 'text' : 'base64';
  return data['encoding'] === encoding && data['value'] === rawOf(value);
}

function rawOf(value: EntryValue): string {
  return value.kind === 'text' ? value.text : value.kind === 'binary' ? value.base64 : '';
}

function bodyOf(value: EntryValue): JsonObject {
  if (value.kind === 'object') return { data: value.data };
  return { value: rawOf(value), encoding: value.kind === 'text' ? 'text' : 'base64' };
}

/** Version 1 keeps objects alone. */
function plainOf(value: EntryValue): JsonObject {
  return value.kind === 'object' ? value.data : { [VALUE_NAME]: rawOf(value) };
}
