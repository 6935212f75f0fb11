/** Which operations there are, by kind of object and action; what is missing here answers that it is not supported. */
import type { WireReply } from '../facade.ts';
import type { Asking } from './asking.ts';
import { backupCertificate, restoreCertificate } from './certificates/backup.ts';
import {
  deleteCertificate,
  getDeletedCertificate,
  purgeCertificate,
  recoverCertificate,
} from './certificates/deletion.ts';
import { importCertificate } from './certificates/import.ts';
import {
  deleteContacts,
  deleteIssuer,
  getContacts,
  getIssuer,
  listIssuers,
  setContacts,
  setIssuer,
  updateIssuer,
} from './certificates/issuers.ts';
import {
  getLinkedKey,
  getLinkedSecret,
  listLinkedKeyVersions,
  listLinkedSecretVersions,
  orLinked,
} from './certificates/linked.ts';
import {
  listCertificates,
  listCertificateVersions,
  listDeletedCertificates,
} from './certificates/list.ts';
import {
  createCertificate,
  deletePending,
  getPending,
  mergeCertificate,
  updatePending,
} from './certificates/make.ts';
import {
  getCertificate,
  getPolicy,
  updateCertificate,
  updatePolicy,
} from './certificates/properties.ts';
import { backupSecret, restoreSecret } from './secrets/backup.ts';
import type { BackupSeal } from './objects/backup.ts';
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
import { usingLinked } from './certificates/linked-use.ts';
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
    get: orLinked(getSecret, getLinkedSecret),
    update: updateSecret,
    list: listSecrets,
    listVersions: orLinked(listSecretVersions, listLinkedSecretVersions),
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
    get: orLinked(getKey, getLinkedKey),
    update: updateKey,
    rotate: rotateKey,
    list: listKeys,
    listVersions: orLinked(listKeyVersions, listLinkedKeyVersions),
    delete: deleteKey,
    getDeleted: getDeletedKey,
    listDeleted: listDeletedKeys,
    recover: recoverKey,
    purge: purgeKey,
    backup: backupKey,
    restore: restoreKey,
    getRotationPolicy,
    setRotationPolicy,
    encrypt: orLinked(encryptWithKey, usingLinked('encrypt')),
    decrypt: orLinked(decryptWithKey, usingLinked('decrypt')),
    wrapKey: orLinked(wrapWithKey, usingLinked('wrapKey')),
    unwrapKey: orLinked(unwrapWithKey, usingLinked('unwrapKey')),
    sign: orLinked(signWithKey, usingLinked('sign')),
    verify: orLinked(verifyWithKey, usingLinked('verify')),
    random: drawBytes,
  },
  certificate: {
    create: createCertificate,
    import: importCertificate,
    merge: mergeCertificate,
    get: getCertificate,
    update: updateCertificate,
    getPolicy,
    updatePolicy,
    getPending,
    updatePending,
    deletePending,
    list: listCertificates,
    listVersions: listCertificateVersions,
    delete: deleteCertificate,
    getDeleted: getDeletedCertificate,
    listDeleted: listDeletedCertificates,
    recover: recoverCertificate,
    purge: purgeCertificate,
    backup: backupCertificate,
    restore: restoreCertificate,
    getContacts,
    setContacts,
    deleteContacts,
    listIssuers,
    getIssuer,
    setIssuer,
    updateIssuer,
    deleteIssuer,
  },
};
