/** Which operations there are, by kind of object and action; what is missing here answers that it is not supported. */
import type { WireReply } from '../facade.ts';
import type { Asking } from './asking.ts';
import { backupSecret, restoreSecret } from './secrets/backup.ts';
import type { BackupSeal } from './secrets/backup.ts';
import { deleteSecret, purgeSecret, recoverSecret } from './secrets/deletion.ts';
import {
  getDeletedSecret,
  getSecret,
  listDeletedSecrets,
  listSecrets,
  listSecretVersions,
} from './secrets/read.ts';
import { setSecret, updateSecret } from './secrets/write.ts';
import { backupKey, restoreKey } from './keys/backup.ts';
import { deleteKey, getDeletedKey, purgeKey, recoverKey } from './keys/deletion.ts';
import { listDeletedKeys, listKeys, listKeyVersions } from './keys/list.ts';
import { createKey, importKey } from './keys/make.ts';
import { getKey, rotateKey, updateKey } from './keys/properties.ts';
import { getRotationPolicy, setRotationPolicy } from './keys/rotation-policy.ts';
import {
  decryptWithKey,
  encryptWithKey,
  drawBytes,
  signWithKey,
  unwrapWithKey,
  verifyWithKey,
  wrapWithKey,
} from './keys/use.ts';
import type { ObjectKind } from './wire/errors.ts';
import type { Action } from './wire/route.ts';

type Run = (asking: Asking, seal: BackupSeal) => Promise<WireReply>;

export const OPERATIONS: Readonly<Record<ObjectKind, Readonly<Partial<Record<Action, Run>>>>> = {
  secret: {
    set: setSecret,
    get: getSecret,
    update: updateSecret,
    list: listSecrets,
    listVersions: listSecretVersions,
    delete: deleteSecret,
    getDeleted: getDeletedSecret,
    listDeleted: listDeletedSecrets,
    recover: recoverSecret,
    purge: purgeSecret,
    backup: backupSecret,
    restore: restoreSecret,
  },
  key: {
    create: createKey,
    import: importKey,
    get: getKey,
    update: updateKey,
    rotate: rotateKey,
    list: listKeys,
    listVersions: listKeyVersions,
    delete: deleteKey,
    getDeleted: getDeletedKey,
    listDeleted: listDeletedKeys,
    recover: recoverKey,
    purge: purgeKey,
    backup: backupKey,
    restore: restoreKey,
    getRotationPolicy,
    setRotationPolicy,
    encrypt: encryptWithKey,
    decrypt: decryptWithKey,
    wrapKey: wrapWithKey,
    unwrapKey: unwrapWithKey,
    sign: signWithKey,
    verify: verifyWithKey,
    random: drawBytes,
  },
  certificate: {},
};
