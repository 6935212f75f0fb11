/** Lists and scans of `metadata/`, with the metadata itself for `detailed-metadata/`. */
import { notFound } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';
import { listFolder, scanFolder } from '../secret/listing.ts';
import { loadSecrets } from '../secret/secret-store.ts';
import { shownSecret } from './shown.ts';
import type { Reply } from '../../../model/reply.ts';

interface ListingFields {
  readonly path?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** Secrets read at a time: each brings its current value along, which may be large. */
const READ_AT_ONCE = 100;

/** Metadata by name. A folder shows that of the secret with the same name, if there is one. */
async function keyInfo(
  store: Reader,
  folder: string,
  names: readonly string[],
): Promise<Record<string, unknown>> {
  const shown: [string, unknown][] = [];
  for (let start = 0; start < names.length; start += READ_AT_ONCE) {
    const some = names.slice(start, start + READ_AT_ONCE);
    const paths = some.map((name) => folder + (name.endsWith('/') ? name.slice(0, -1) : name));
    const secrets = await loadSecrets(store, paths);
    for (const [index, name] of some.entries()) {
      const secret = secrets[index];
      shown.push([name, secret === undefined ? {} : shownSecret(secret)]);
    }
  }
  return Object.fromEntries(shown);
}

async function answer(
  store: Reader,
  folder: string,
  keys: readonly string[],
  detailed: boolean,
): Promise<Reply> {
  return { data: detailed ? { key_info: await keyInfo(store, folder, keys), keys } : { keys } };
}

/** @throws {RequestError} `not_found` when the folder is empty */
export async function listMetadata(
  fields: ListingFields,
  store: Reader,
  detailed: boolean,
): Promise<Reply> {
  const folder = fields.path ?? '';
  const keys = await listFolder(store, folder, fields.after, fields.limit);
  if (keys.length === 0) throw notFound();
  return answer(store, folder, keys, detailed);
}

/** An empty answer, not 404, when there is nothing: as the reference does for scans. */
export async function scanMetadata(
  fields: ListingFields,
  store: Reader,
  detailed: boolean,
): Promise<Reply> {
  const folder = fields.path ?? '';
  const keys = await scanFolder(store, folder);
  return keys.length === 0 ? { data: {} } : answer(store, folder, keys, detailed);
}
