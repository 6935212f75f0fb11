/** Backups of a certificate with all its versions and their keys. */
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { openBackup, sealedBackup } from '../objects/backup.ts';
import type { Backup, BackupSeal } from '../objects/backup.ts';
import { alreadyExists, deletedButRecoverable, jsonReply } from '../wire/errors.ts';
import { certificateBundle, chosenVersion, liveCertificate } from './bundle.ts';

interface SavedCertificate extends Backup {
  readonly kind: 'certificate';
  readonly saved: string;
}

export async function backupCertificate(
  { operation, ask }: Asking,
  seal: BackupSeal,
): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}`,
    task: {
      async certificate(desk) {
        liveCertificate(desk, name);
        const saved: SavedCertificate = {
          kind: 'certificate',
          name,
          saved: (await desk.save()).toString('base64'),
        };
        return sealedBackup(seal, saved);
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function restoreCertificate(
  { base, readJson, ask }: Asking,
  seal: BackupSeal,
): Promise<WireReply> {
  const { name, saved } = openBackup<SavedCertificate>(await readJson(), seal, 'certificate');
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: `stored/${name}`,
    task: {
      async certificate(desk) {
        const before = desk.certificate;
        if (before?.deletedMs !== undefined) throw deletedButRecoverable('certificate', name);
        if (before !== undefined) throw alreadyExists('certificate', name);
        const certificate = await desk.restore(Buffer.from(saved, 'base64'));
        const version = chosenVersion(certificate, name, '');
        return shown(await certificateBundle(base, desk, certificate, version));
      },
    },
  });
  return jsonReply(dataOf(answer));
}
