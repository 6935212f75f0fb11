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
  key: {},
  certificate: {},
};
