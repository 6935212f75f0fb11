/** Backups of a key with all its versions. */
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { openBackup, sealedBackup } from '../objects/backup.ts';
import type { Backup, BackupSeal } from '../objects/backup.ts';
import { vaultAt } from '../objects/vault-rules.ts';
import { alreadyExists, deletedButRecoverable, jsonReply } from '../wire/errors.ts';
import { keyBundle } from './bundle.ts';
import { chosenKeyVersion, liveKey } from './chosen.ts';

interface SavedKey extends Backup {
  readonly kind: 'key';
  readonly saved: string;
}

export async function backupKey({ operation, ask }: Asking, seal: BackupSeal): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'keys',
    path: `backup/${name}`,
    task: {
      async key(desk) {
        liveKey(desk, name);
        const saved: SavedKey = {
          kind: 'key',
          name,
          saved: (await desk.save()).toString('base64'),
        };
        return sealedBackup(seal, saved);
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function restoreKey(
  { base, readJson, ask }: Asking,
  seal: BackupSeal,
): Promise<WireReply> {
  const { name, saved } = openBackup<SavedKey>(await readJson(), seal, 'key');
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: `restore/${name}`,
    task: {
      async key(desk) {
        if (desk.key?.softDeleted === true) throw deletedButRecoverable('key', name);
        if (desk.key !== undefined) throw alreadyExists('key', name);
        const key = await desk.restore(Buffer.from(saved, 'base64'));
        return shown(keyBundle(vaultAt(base, desk), name, key, chosenKeyVersion(key, name, '')));
      },
    },
  });
  return jsonReply(dataOf(answer));
}
