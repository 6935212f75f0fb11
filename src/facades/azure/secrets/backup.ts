/** Backups of a secret with all its versions. */
import { findVersion, servedNumber } from '../../../model/secret.ts';
import type { Secret, Version } from '../../../model/secret.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { openBackup, sealedBackup } from '../objects/backup.ts';
import type { Backup, BackupSeal } from '../objects/backup.ts';
import { vaultAt } from '../objects/vault-rules.ts';
import { alreadyExists, badParameter, deletedButRecoverable, jsonReply } from '../wire/errors.ts';
import { propertiesOf } from './bundle.ts';
import { isThere, liveSecret } from './read.ts';

/** Most versions of one backup, as in Key Vault. */
const VERSIONS_MAX = 500;
const KIND = 'secret';

interface SavedVersion {
  readonly version: Version;
  /** base64 */
  readonly value: string;
}

interface Saved extends Backup {
  readonly kind: typeof KIND;
  readonly secret: Pick<Secret, 'customMetadata' | 'attributes'> &
    Partial<Pick<Secret, 'maxVersions'>>;
  /** The id of the version that is read without one, if it is among them. */
  readonly current?: string;
  readonly versions: readonly SavedVersion[];
}

export async function backupSecret(
  { operation, ask }: Asking,
  seal: BackupSeal,
): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'secrets',
    path: `data/${name}`,
    task: {
      async secret(desk) {
        const secret = liveSecret(desk, name);
        const there = secret.versions.filter((version) => isThere(version, desk.nowMs));
        if (there.length > VERSIONS_MAX) {
          throw badParameter(`A backup holds at most ${VERSIONS_MAX} versions.`);
        }
        const versions: SavedVersion[] = [];
        for (const version of there) {
          const value = await desk.value(version.number);
          versions.push({ version, value: value.toString('base64') });
        }
        const { customMetadata, attributes, maxVersions } = secret;
        const current = findVersion(secret, servedNumber(secret))?.id;
        const saved: Saved = {
          kind: KIND,
          name,
          secret: {
            customMetadata,
            maxVersions,
            ...(attributes === undefined ? {} : { attributes }),
          },
          ...(current === undefined ? {} : { current }),
          versions,
        };
        return sealedBackup(seal, saved);
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function restoreSecret(
  { base, readJson, ask }: Asking,
  seal: BackupSeal,
): Promise<WireReply> {
  const saved = openBackup<Saved>(await readJson(), seal, KIND);
  const { name } = saved;
  const answer = await ask({
    operation: 'write',
    part: 'secrets',
    path: `data/${name}`,
    task: {
      async secret(desk) {
        if (desk.secret?.deletedMs !== undefined) throw deletedButRecoverable('secret', name);
        if (desk.secret !== undefined) throw alreadyExists('secret', name);
        desk.create();
        // None of them goes while they come.
        desk.change((fresh) => ({ ...fresh, maxVersions: VERSIONS_MAX }));
        for (const { version, value } of saved.versions) {
          const { number: _number, createdMs: _created, deletedMs: _deleted, ...fresh } = version;
          await desk.addVersion(Buffer.from(value, 'base64'), fresh);
        }
        const secret = desk.change((fresh) => ({
          ...fresh,
          ...saved.secret,
          versions: fresh.versions.map((version) => {
            const before = saved.versions.find((one) => one.version.id === version.id)?.version;
            return { ...version, createdMs: before?.createdMs ?? version.createdMs };
          }),
        }));
        const current = secret.versions.find(({ id }) => id === saved.current);
        if (current !== undefined) await desk.serve(current.number);
        const version = current ?? secret.versions.at(-1);
        return shown(
          version === undefined ? {} : propertiesOf(vaultAt(base, desk), name, secret, version),
        );
      },
    },
  });
  return jsonReply(dataOf(answer));
}
