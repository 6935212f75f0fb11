/** Backups of a key with all its versions: encrypted under a key of this cluster, which alone can restore them. */
import { decodeBase64Url } from '../../../base/base64.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import type { BackupSeal } from '../secrets/backup.ts';
import { vaultAt } from '../vault-rules.ts';
import { alreadyExists, badParameter, deletedButRecoverable, jsonReply } from '../wire/errors.ts';
import { isName } from '../wire/route.ts';
import { keyBundle } from './bundle.ts';
import { chosenKeyVersion, liveKey } from './chosen.ts';

interface SavedKey {
  readonly kind: 'key';
  readonly name: string;
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
        return shown({
          value: seal.seal(Buffer.from(JSON.stringify(saved))).toString('base64url'),
        });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function restoreKey(
  { base, readJson, ask }: Asking,
  seal: BackupSeal,
): Promise<WireReply> {
  const { value } = await readJson();
  const bytes = typeof value === 'string' ? decodeBase64Url(value) : undefined;
  const plain = bytes === undefined ? undefined : seal.open(bytes);
  if (plain === undefined) throw badParameter('The backup was not made by this vault service.');
  const { kind, name, saved } = JSON.parse(plain.toString()) as SavedKey;
  if (kind !== 'key' || !isName(name)) throw badParameter('The backup is of another kind.');
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
