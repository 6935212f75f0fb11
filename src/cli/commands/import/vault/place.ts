/** One namespace of an import: the same on both servers, and how single things are brought in line there. */
import type { Client } from '../../../../client/client.ts';
import { ApiError, ConnectionError } from '../../../../client/errors.ts';
import type { JsonObject } from '../../../../client/json.ts';
import { holds } from '../compare.ts';
import type { Ledger } from '../ledger.ts';
import type { BadName, Source } from './source.ts';

export interface Place {
  /** `''` or `a/b/`, below the namespaces that were named on the command line. */
  readonly namespace: string;
  readonly source: Source;
  readonly target: Client;
  readonly ledger: Ledger;
  /** Shows how far it is. */
  readonly progress: (phase: string, done: number, total: number) => void;
  /** KV mounts to take; empty = all. */
  readonly mounts: readonly string[];
  /** Those of them that the source has. */
  readonly mountsMet: Set<string>;
}

export interface Thing {
  readonly section: string;
  readonly name: string;
  /** What it is to hold. */
  readonly wanted: JsonObject;
  /** What is here under that name; undefined = nothing. */
  readonly read: () => Promise<JsonObject | undefined>;
  readonly write: () => Promise<unknown>;
  /** Whether what is here is that already; {@link holds} unless told otherwise. */
  readonly same?: (here: JsonObject) => boolean;
  readonly detail?: string;
}

/** What became of a thing; `no` = it is not there as it was wanted. */
export type Settled = 'create' | 'change' | 'same' | 'no';

/** Brings one thing in line, or says what would be done. */
export async function settle(place: Place, thing: Thing): Promise<Settled> {
  const { ledger } = place;
  const { section, wanted, detail } = thing;
  const name = place.namespace + thing.name;
  let settled: Settled = 'no';
  await guarded(place, section, thing.name, async () => {
    const here = await thing.read();
    if (here !== undefined && (thing.same ?? ((one) => holds(one, wanted)))(here)) {
      ledger.record(section, name, 'same');
      settled = 'same';
      return;
    }
    if (here !== undefined && !ledger.conflict(section, name, 'it differs here')) return;
    if (!ledger.dryRun) await thing.write();
    settled = here === undefined ? 'create' : 'change';
    ledger.record(section, name, settled, detail);
  });
  return settled;
}

/** As {@link settle}, for what is read and written at one path. */
export async function settleAt(
  place: Place,
  path: string,
  thing: Pick<Thing, 'section' | 'name' | 'wanted'>,
): Promise<Settled> {
  return await settle(place, {
    ...thing,
    read: async () => await readMaybe(place, path),
    write: async () => await place.target.post(path, thing.wanted),
  });
}

/** Runs `body`; a refusal is written down. @returns whether there was none. @throws {ConnectionError} a server is gone: there is no use in going on. */
export async function guarded(
  place: Pick<Place, 'ledger' | 'namespace'>,
  section: string,
  name: string,
  body: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await body();
    return true;
  } catch (cause) {
    if (cause instanceof ConnectionError) throw cause;
    place.ledger.fail(section, place.namespace + name, cause);
    return false;
  }
}

/** Names below `path` of the source. What cannot be listed, and names that cannot be here, are written down. */
export async function namesOf(
  place: Place,
  section: string,
  path: string,
): Promise<readonly string[]> {
  let names: readonly string[] = [];
  await guarded(place, section, path, async () => {
    names = await place.source.list(path, (bad) => refuseName(place, section, path, bad));
  });
  return names;
}

export function refuseName(place: Place, section: string, at: string, bad: BadName): void {
  const name = `${place.namespace}${at}/${bad.name}`;
  place.ledger.fail(section, name, new Error(`the name is refused: ${bad.fault}`));
}

/** The data of an answer of the target; undefined when nothing is there, or not yet where it would be. */
export async function readHere(target: Client, path: string): Promise<JsonObject | undefined> {
  return (await target.read(path))?.data;
}

/** As {@link readHere}, where nothing of that kind may be known before something else was made. */
export async function readMaybe(place: Place, path: string): Promise<JsonObject | undefined> {
  try {
    return await readHere(place.target, path);
  } catch (cause) {
    // In a dry run the namespace or mount that it would lie in may not be there.
    const missing = cause instanceof ApiError && (cause.status === 400 || cause.status === 404);
    if (place.ledger.dryRun && missing) return undefined;
    throw cause;
  }
}
