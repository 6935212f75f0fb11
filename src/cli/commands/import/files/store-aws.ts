/** Writes secrets of AWS with their versions, ids, stages, tags and descriptions. */
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject } from '../../../../client/json.ts';
import { equalJson } from '../compare.ts';
import { postImport } from '../post-import.ts';
import { CURRENT, knownVersions, PREVIOUS } from './aws-export.ts';
import type { AwsSecret, AwsVersion } from './aws-export.ts';
import { pathIn, recorded, SECTION } from './store.ts';
import type { Store } from './store.ts';

export async function storeAws(store: Store, secrets: readonly AwsSecret[]): Promise<void> {
  for (const [index, secret] of secrets.entries()) {
    store.progress(store.ledger.dryRun ? 'comparing' : 'importing', index, secrets.length);
    await recorded(store, secret.name, async () => await storeSecret(store, secret));
  }
}

async function storeSecret(store: Store, secret: AwsSecret): Promise<void> {
  const { client, ledger } = store;
  const label = pathIn(store, 'data', secret.name);
  const versions = knownVersions(secret);
  tellLosses(store, label, secret, versions);
  if (versions.length === 0) return;
  const metadata = pathIn(store, 'metadata', secret.name);
  const here = (await client.read(metadata, { detail: 'true' }))?.data;
  const table = tableOf(here);
  const newest = Math.max(0, ...table.keys());
  const ours = new Set(versions.map(({ id }) => id));
  const isOther = [...table.values()].some((token) => !ours.has(token));
  if (isOther && !ledger.conflict(SECTION, label, 'its versions are others here')) return;
  const known = new Map(isOther ? [] : [...table].map(([number, token]) => [token, number]));
  const missing = versions.filter(({ id }) => !known.has(id));
  // A replaced secret begins anew; what is added comes behind what is there.
  const from = isOther ? 0 : newest;
  for (const [index, { id }] of missing.entries()) known.set(id, from + index + 1);
  const state = stateOf(secret, known, here);
  if (missing.length === 0 && here !== undefined && holdsState(here, state)) {
    ledger.record(SECTION, label, 'same');
    return;
  }
  const body: JsonObject = {
    cas: newest,
    ...(isOther ? { replace: true } : {}),
    ...state,
    ...(secret.createdMs === undefined || table.size > 0
      ? {}
      : { created_time: new Date(secret.createdMs).toISOString() }),
    versions: missing.map((version) => versionBody(version, known.get(version.id) ?? 0)),
  };
  if (!ledger.dryRun) await postImport(client, pathIn(store, 'import', secret.name), body);
  const count = `${missing.length} version${missing.length === 1 ? '' : 's'}`;
  ledger.record(SECTION, label, here === undefined ? 'create' : 'change', count);
}

function tellLosses(
  { ledger }: Store,
  label: string,
  secret: AwsSecret,
  versions: readonly AwsVersion[],
): void {
  for (const reason of secret.notes) ledger.lost(label, reason);
  if (versions.length === 0) {
    ledger.lost(
      label,
      'its value is in none of the files: add what get-secret-value or batch-get-secret-value prints',
    );
    return;
  }
  const without = secret.versions.size - versions.length;
  if (without > 0)
    ledger.lost(label, `the value of ${without} of its versions, which is in none of the files`);
  const empty = Object.entries(secret.tags ?? {}).filter(([, text]) => text === '');
  if (empty.length > 0) ledger.lost(label, `${empty.length} tags without a value`);
}

/** The ids of the versions that are here, by number. */
function tableOf(here: JsonObject | undefined): Map<number, string> {
  const versions = isJsonObject(here?.['versions']) ? here['versions'] : {};
  return new Map(
    Object.entries(versions).map(([number, version]) => {
      const texts = isJsonObject(version) ? [version['write_token'], version['id']] : [];
      const id = texts.find((text) => typeof text === 'string' && text !== '');
      return [Number(number), typeof id === 'string' ? id : ''];
    }),
  );
}

/** Which versions the stages name, and what is known of the whole. */
function stateOf(
  secret: AwsSecret,
  numbers: ReadonlyMap<string, number>,
  here: JsonObject | undefined,
): JsonObject {
  const labels: JsonObject = {};
  const places = new Map<string, number>();
  for (const [id, { stages }] of secret.versions) {
    const number = numbers.get(id);
    if (number === undefined) continue;
    for (const stage of stages) {
      if (stage === CURRENT || stage === PREVIOUS) places.set(stage, number);
      else labels[stage] = number;
    }
  }
  // A stage that no version has any more is taken away.
  const before = here?.['labels'];
  for (const label of Object.keys(isJsonObject(before) ? before : {})) labels[label] ??= null;
  const tags = Object.entries(secret.tags ?? {}).filter(([, text]) => text !== '');
  return {
    ...(places.has(CURRENT) ? { current_version: places.get(CURRENT) ?? 0 } : {}),
    ...(places.has(PREVIOUS) ? { previous_version: places.get(PREVIOUS) ?? 0 } : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(secret.tags === undefined ? {} : { custom_metadata: Object.fromEntries(tags) }),
    ...(secret.description === undefined
      ? {}
      : { attributes: { description: secret.description } }),
  };
}

function holdsState(here: JsonObject, state: JsonObject): boolean {
  const { labels = {}, attributes = {}, custom_metadata: custom, current_version: current } = state;
  const had = isJsonObject(here['labels']) ? here['labels'] : {};
  const description = isJsonObject(here['attributes'])
    ? here['attributes']['description']
    : undefined;
  return (
    (current === undefined || equalJson(here['served_version'] ?? 0, current)) &&
    (custom === undefined || equalJson(here['custom_metadata'] ?? {}, custom)) &&
    (!isJsonObject(attributes) ||
      attributes['description'] === undefined ||
      attributes['description'] === description) &&
    isJsonObject(labels) &&
    Object.entries(labels).every(([name, number]) => (had[name] ?? null) === number)
  );
}

function versionBody(version: AwsVersion, number: number): JsonObject {
  const { id, createdMs, text, base64 } = version;
  return {
    version: number,
    write_token: id,
    created_time: new Date(createdMs ?? Date.now()).toISOString(),
    ...(text === undefined
      ? { value: base64 ?? '', encoding: 'base64' }
      : { value: text, encoding: 'text' }),
  };
}
