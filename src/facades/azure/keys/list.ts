/** Keys, deleted keys and versions, page by page. */
import type { KeyListDesk, ManagedKey } from '../../../model/key-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { vaultAt } from '../vault-rules.ts';
import { jsonReply } from '../wire/errors.ts';
import { nextLink, pageOf } from '../wire/paging.ts';
import { isName } from '../wire/route.ts';
import { isShowable, keyDeletion, listedKey } from './bundle.ts';
import { chosenKeyVersion, liveKey, versionsOf } from './chosen.ts';

const LOOKED_AT_MAX = 1000;

type Entry = (
  name: string,
  key: ManagedKey,
  desk: KeyListDesk,
) => Record<string, unknown> | undefined;

async function listOf(asking: Asking, path: string, entry: Entry): Promise<WireReply> {
  const { target, base, ask } = asking;
  const page = pageOf(target.query);
  const answer = await ask({
    operation: 'list',
    part: 'keys',
    path: 'keys/',
    task: { keys: async (desk) => shown(await collect(desk, page, entry)) },
  });
  const { value, after } = dataOf(answer) as { value: unknown; after: string };
  const link = after === '' ? null : nextLink(base, path, target.query, after);
  return jsonReply({ value, nextLink: link });
}

async function collect(
  desk: KeyListDesk,
  page: { readonly size: number; readonly after: string },
  entry: Entry,
): Promise<{ value: unknown[]; after: string }> {
  const value: unknown[] = [];
  let { after } = page;
  for (let looked = 0; looked < LOOKED_AT_MAX;) {
    const limit = page.size - value.length;
    const { keys, next } = await desk.page(after, limit);
    for (const { name, key } of keys) {
      const one = isName(name) && isShowable(key) ? entry(name, key, desk) : undefined;
      if (one !== undefined) value.push(one);
    }
    if (next === undefined) return { value, after: '' };
    after = next;
    if (value.length >= page.size) break;
    looked += limit;
  }
  return { value, after };
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
    return { ...keyDeletion(vault, name, key), ...listedKey(vault, name, chosen, false) };
  });
}

export async function listKeyVersions({
  target,
  operation,
  base,
  ask,
}: Asking): Promise<WireReply> {
  const { name } = operation;
  const page = pageOf(target.query);
  const answer = await ask({
    operation: 'read',
    part: 'keys',
    path: `keys/${name}`,
    task: {
      key(desk) {
        const vault = vaultAt(base, desk);
        const rest = versionsOf(liveKey(desk, name)).filter(
          ({ number }) => number > Number(page.after || 0),
        );
        const some = rest.slice(0, page.size);
        const after = rest.length > some.length ? String(some.at(-1)?.number ?? '') : '';
        return shown({ value: some.map((one) => listedKey(vault, name, one, true)), after });
      },
    },
  });
  const { value, after } = dataOf(answer) as { value: unknown; after: string };
  const path = `/keys/${name}/versions`;
  const link = after === '' ? null : nextLink(base, path, target.query, after);
  return jsonReply({ value, nextLink: link });
}
