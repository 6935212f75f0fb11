/** Keys, deleted keys and versions, page by page. */
import type { KeyListDesk, ManagedKey } from '../../../model/tasks/key-task.ts';
import type { WireReply } from '../../facade.ts';
import type { Asking } from '../asking.ts';
import { deletionOf, vaultAt } from '../objects/vault-rules.ts';
import { collected, pageOf, pageReply, versionPage } from '../objects/paging.ts';
import { isName } from '../wire/route.ts';
import { isShowable, listedKey } from './bundle.ts';
import { chosenKeyVersion, liveKey, versionsOf } from './chosen.ts';

type Entry = (
  name: string,
  key: ManagedKey,
  desk: KeyListDesk,
) => Record<string, unknown> | undefined;

async function listOf(asking: Asking, path: string, entry: Entry): Promise<WireReply> {
  const page = pageOf(asking.target.query);
  const answer = await asking.ask({
    operation: 'list',
    part: 'keys',
    path: 'keys/',
    task: {
      keys: async (desk) =>
        await collected(page, async (after, limit) => {
          const { keys, next } = await desk.page(after, limit);
          const entries = keys.map(({ name, key }) =>
            isName(name) && isShowable(key) ? entry(name, key, desk) : undefined,
          );
          return { entries, next };
        }),
    },
  });
  return pageReply(asking, path, answer);
}

export async function listKeys(asking: Asking): Promise<WireReply> {
  return await listOf(asking, '/keys', (name, key, desk) =>
    key.softDeleted
      ? undefined
      : listedKey(vaultAt(asking.base, desk), name, chosenKeyVersion(key, name, ''), false),
  );
}

export async function listDeletedKeys(asking: Asking): Promise<WireReply> {
  return await listOf(asking, '/deletedkeys', (name, key, desk) => {
    if (!key.softDeleted) return undefined;
    const vault = vaultAt(asking.base, desk);
    const chosen = chosenKeyVersion(key, name, '');
    return { ...deletionOf(vault, 'key', name, key), ...listedKey(vault, name, chosen, false) };
  });
}

export async function listKeyVersions(asking: Asking): Promise<WireReply> {
  const { name } = asking.operation;
  const page = pageOf(asking.target.query);
  const answer = await asking.ask({
    operation: 'read',
    part: 'keys',
    path: `keys/${name}`,
    task: {
      key(desk) {
        const vault = vaultAt(asking.base, desk);
        return versionPage(
          page,
          versionsOf(liveKey(desk, name)),
          ({ number }) => String(number),
          (one) => listedKey(vault, name, one, true),
        );
      },
    },
  });
  return pageReply(asking, `/keys/${name}/versions`, answer);
}
