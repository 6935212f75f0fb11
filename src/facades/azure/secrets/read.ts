/** Reading secrets: get, list, versions, and the same of deleted ones. */
import type { Secret, Version } from '../../../model/secret.ts';
import { findVersion, isDeleted, servedNumber } from '../../../model/secret.ts';
import type { ListDesk, SecretDesk } from '../../../model/tasks/secret-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { deletedNotFound, disabled, jsonReply, objectNotFound } from '../wire/errors.ts';
import { collected, pageOf, pageReply, versionPage } from '../objects/paging.ts';
import { isName } from '../wire/route.ts';
import { deletionOf, vaultAt } from '../objects/vault-rules.ts';
import { hexId, listedSecret, propertiesOf, valueText } from './bundle.ts';

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
        return shown({ ...deletionOf(vaultAt(base, desk), 'secret', name, secret), ...properties });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

/** How a secret stands in a list; undefined when it does not. */
type Entry = (name: string, secret: Secret, desk: ListDesk) => Record<string, unknown> | undefined;

/** One page of entries that `entry` shows, out of all secrets of the vault. */
async function listOf(asking: Asking, path: string, entry: Entry): Promise<WireReply> {
  const page = pageOf(asking.target.query);
  const answer = await asking.ask({
    operation: 'scan',
    part: 'secrets',
    path: 'metadata/',
    task: {
      list: async (desk) =>
        await collected(page, async (after, limit) => {
          const { secrets, next } = await desk.page(after, limit);
          const entries = secrets.map(({ path: name, secret }) =>
            isName(name) ? entry(name, secret, desk) : undefined,
          );
          return { entries, next };
        }),
    },
  });
  return pageReply(asking, path, answer);
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
          ...deletionOf(vault, 'secret', name, secret),
          ...listedSecret(vault, name, secret, version),
        };
  });
}

/** Oldest first; the number is what the link to the next page goes on from. */
export async function listSecretVersions(asking: Asking): Promise<WireReply> {
  const { name } = asking.operation;
  const page = pageOf(asking.target.query);
  const answer = await asking.ask({
    operation: 'read',
    part: 'secrets',
    path: `metadata/${name}`,
    task: {
      secret(desk) {
        const secret = liveSecret(desk, name);
        return versionPage(
          page,
          secret.versions.filter((version) => isThere(version, desk.nowMs)),
          ({ number }) => String(number),
          (version) => propertiesOf(vaultAt(asking.base, desk), name, secret, version),
        );
      },
    },
  });
  return pageReply(asking, `/secrets/${name}/versions`, answer);
}
