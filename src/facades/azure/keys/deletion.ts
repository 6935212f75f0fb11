/** Deleting keys so that they can be recovered, recovering them, and purging them for good. */
import type { KeyDesk, ManagedKey } from '../../../model/tasks/key-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { assertPurgeable, deletionOf, purgeTimeMs, vaultAt } from '../objects/vault-rules.ts';
import { jsonReply } from '../wire/errors.ts';
import { keyBundle } from './bundle.ts';
import { chosenKeyVersion, deletedKey, liveKey } from './chosen.ts';

export async function deleteKey({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'delete',
    part: 'keys',
    path: `keys/${name}/soft-delete`,
    task: {
      async key(desk) {
        liveKey(desk, name);
        const vault = vaultAt(base, desk);
        const key = await desk.change({
          softDeleted: true,
          deletedMs: desk.nowMs,
          purgeMs: purgeTimeMs(vault, desk.nowMs),
        });
        return shown(deletedBundle(base, desk, name, key));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

function deletedBundle(
  base: string,
  desk: KeyDesk,
  name: string,
  key: ManagedKey,
): Record<string, unknown> {
  const vault = vaultAt(base, desk);
  const chosen = chosenKeyVersion(key, name, '');
  return { ...deletionOf(vault, 'key', name, key), ...keyBundle(vault, name, key, chosen) };
}

export async function getDeletedKey({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'keys',
    path: `keys/${name}`,
    task: { key: (desk) => shown(deletedBundle(base, desk, name, deletedKey(desk, name))) },
  });
  return jsonReply(dataOf(answer));
}

export async function recoverKey({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: `keys/${name}/soft-delete-restore`,
    task: {
      async key(desk) {
        deletedKey(desk, name);
        const key = await desk.change({
          softDeleted: false,
          deletedMs: undefined,
          purgeMs: undefined,
        });
        return shown(keyBundle(vaultAt(base, desk), name, key, chosenKeyVersion(key, name, '')));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function purgeKey({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  await ask({
    operation: 'delete',
    part: 'keys',
    path: `keys/${name}`,
    task: {
      key(desk) {
        deletedKey(desk, name);
        assertPurgeable(vaultAt(base, desk));
        desk.remove();
        return undefined;
      },
    },
  });
  return { status: 204, headers: {}, body: '' };
}
