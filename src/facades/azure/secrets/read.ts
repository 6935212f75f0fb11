/** Reading secrets: get, list, versions, and the same of deleted ones. */
import type { Secret, Version } from '../../../model/secret.ts';
import { findVersion, isDeleted, servedNumber } from '../../../model/secret.ts';
import type { ListDesk, SecretDesk } from '../../../model/secret-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { deletedNotFound, disabled, jsonReply, objectNotFound } from '../wire/errors.ts';
import { nextLink, pageOf } from '../wire/paging.ts';
import { isName } from '../wire/route.ts';
import { vaultAt } from '../vault-rules.ts';
import { deletionOf, hexId, listedSecret, propertiesOf, valueText } from './bundle.ts';

/** Names looked at for one page; with many that this API cannot express, a page may be short or empty. */
const LOOKED_AT_MAX = 1000;

/** True for versions that this API knows: it has no word for one that is gone. */
export function isThere(version: Version, nowMs: number): boolean {
  return version.destroyed !== true && !isDeleted(version, nowMs);
}

/** The live secret. @throws {AzureError} */
export function liveSecret(desk: SecretDesk, name: string): Secret {
  const { secret } = desk;
  if (secret === undefined || secret.deletedMs !== undefined) throw objectNotFound('secret', name);
  return secret;
}

/** The version with this id, or without one the version that is served. @throws {AzureError} */
export function chosenVersion(secret: Secret, name: string, id: string, nowMs: number): Version {
  const version =
    id === ''
      ? findVersion(secret, servedNumber(secret))
      : secret.versions.find((one) => hexId(one) === id.toLowerCase());
  if (version === undefined || !isThere(version, nowMs)) {
    throw objectNotFound('secret', id === '' ? name : `${name}/${id}`);
  }
  return version;
}

export async function getSecret({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name, version: id } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'secrets',
    path: `data/${name}`,
    task: {
      async secret(desk) {
        const secret = liveSecret(desk, name);
        const version = chosenVersion(secret, name, id, desk.nowMs);
        if (version.disabled === true) throw disabled('secret');
        const value = valueText(version, await desk.value(version.number));
        return shown({ value, ...propertiesOf(vaultAt(base, desk), name, secret, version) });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

/** The deleted secret and the version that stood for it. @throws {AzureError} */
export function deletedSecret(desk: SecretDesk, name: string): Secret {
  const { secret } = desk;
  if (secret?.deletedMs === undefined) throw deletedNotFound('secret', name);
  return secret;
}

export async function getDeletedSecret({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'secrets',
    path: `metadata/${name}`,
    task: {
      secret(desk) {
        const secret = deletedSecret(desk, name);
        const version = findVersion(secret, servedNumber(secret));
        const properties =
          version === undefined ? {} : propertiesOf(vaultAt(base, desk), name, secret, version);
        return shown({ ...deletionOf(vaultAt(base, desk), name, secret), ...properties });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

/** How a secret stands in a list; undefined when it does not. */
type Entry = (name: string, secret: Secret, desk: ListDesk) => Record<string, unknown> | undefined;

/** One page of entries that `entry` shows, out of all secrets of the vault. */
async function listOf(asking: Asking, path: string, entry: Entry): Promise<WireReply> {
  const { target, base, ask } = asking;
  const page = pageOf(target.query);
  const answer = await ask({
    operation: 'scan',
    part: 'secrets',
    path: 'metadata/',
    task: { list: (desk) => collect(desk, page, entry).then(shown) },
  });
  const { value, after } = dataOf(answer) as { value: unknown; after: string };
  const link = after === '' ? null : nextLink(base, path, target.query, after);
  return jsonReply({ value, nextLink: link });
}

async function collect(
  desk: ListDesk,
  page: { readonly size: number; readonly after: string },
  entry: Entry,
): Promise<{ value: unknown[]; after: string }> {
  const value: unknown[] = [];
  let { after } = page;
  for (let looked = 0; looked < LOOKED_AT_MAX;) {
    const limit = page.size - value.length;
    const { secrets, next } = await desk.page(after, limit);
    for (const { path, secret } of secrets) {
      const one = isName(path) ? entry(path, secret, desk) : undefined;
      if (one !== undefined) value.push(one);
    }
    if (next === undefined) return { value, after: '' };
    after = next;
    if (value.length >= page.size) break;
    looked += limit;
  }
  return { value, after };
}

export async function listSecrets(asking: Asking): Promise<WireReply> {
  return await listOf(asking, '/secrets', (name, secret, desk) => {
    const version = findVersion(secret, servedNumber(secret));
    return secret.deletedMs !== undefined || version === undefined || !isThere(version, desk.nowMs)
      ? undefined
      : listedSecret(vaultAt(asking.base, desk), name, secret, version);
  });
}

export async function listDeletedSecrets(asking: Asking): Promise<WireReply> {
  return await listOf(asking, '/deletedsecrets', (name, secret, desk) => {
    const vault = vaultAt(asking.base, desk);
    const version = findVersion(secret, servedNumber(secret));
    return secret.deletedMs === undefined || version === undefined
      ? undefined
      : {
          ...deletionOf(vault, name, secret),
          ...listedSecret(vault, name, secret, version),
        };
  });
}

/** Versions by their number, oldest first; the number is what the link to the next page goes on from. */
export async function listSecretVersions(asking: Asking): Promise<WireReply> {
  const { target, operation, base, ask } = asking;
  const { name } = operation;
  const page = pageOf(target.query);
  const answer = await ask({
    operation: 'read',
    part: 'secrets',
    path: `metadata/${name}`,
    task: {
      secret(desk) {
        const secret = liveSecret(desk, name);
        const rest = secret.versions.filter(
          (version) => version.number > Number(page.after || 0) && isThere(version, desk.nowMs),
        );
        const some = rest.slice(0, page.size);
        const after = rest.length > some.length ? String(some.at(-1)?.number ?? '') : '';
        return shown({
          value: some.map((version) => propertiesOf(vaultAt(base, desk), name, secret, version)),
          after,
        });
      },
    },
  });
  const { value, after } = dataOf(answer) as { value: unknown; after: string };
  const path = `/secrets/${name}/versions`;
  const link = after === '' ? null : nextLink(base, path, target.query, after);
  return jsonReply({ value, nextLink: link });
}
