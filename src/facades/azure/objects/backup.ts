/** Backups of one object with all its versions: encrypted under a key of this cluster, which alone can open them. */
import { decodeBase64Url } from '../../../base/base64.ts';
import type { JsonObject } from '../../../base/json.ts';
import { shown } from '../asking.ts';
import { badParameter } from '../wire/errors.ts';
import type { ObjectKind } from '../wire/errors.ts';
import { isName } from '../wire/route.ts';
import type { Reply } from '../../../model/reply.ts';

/** Encrypts what only this cluster can open again. */
export interface BackupSeal {
  seal(plaintext: Buffer): Buffer;
  /** Undefined when it was not sealed here, or was changed. */
  open(sealed: Buffer): Buffer | undefined;
}

export interface Backup {
  readonly kind: ObjectKind;
  readonly name: string;
}

export function sealedBackup(seal: BackupSeal, backup: Backup): Reply {
  return shown({ value: seal.seal(Buffer.from(JSON.stringify(backup))).toString('base64url') });
}

/** @throws {AzureError} it was made elsewhere, or of an object of another kind */
export function openBackup<T extends Backup>(
  { value }: JsonObject,
  seal: BackupSeal,
  kind: T['kind'],
): T {
  const bytes = typeof value === 'string' ? decodeBase64Url(value) : undefined;
  const plain = bytes === undefined ? undefined : seal.open(bytes);
  if (plain === undefined) throw badParameter('The backup was not made by this vault service.');
  const saved = JSON.parse(plain.toString()) as T;
  if (saved.kind !== kind || !isName(saved.name)) {
    throw badParameter('The backup is of another kind.');
  }
  return saved;
}
