/** States of single versions: `delete/`, `undelete/`, `destroy/`. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { Secret } from '../../../model/secret.ts';
import { noteChange } from '../functions/changes.ts';
import type { SecretRecord } from '../secret/record.ts';
import { deleteVersions, undeleteVersions } from '../secret/secret.ts';
import { destroyValues, loadForWrite, saveSecret } from '../secret/secret-store.ts';
import { loadMountSettings } from './mount-settings.ts';
import { tasked } from './secret-desk.ts';

interface Fields {
  readonly path: string | undefined;
  readonly versions: readonly number[] | undefined;
}

interface Chosen {
  readonly request: Request<Fields>;
  readonly store: Transaction;
  readonly path: string;
  readonly record: SecretRecord;
  readonly versions: readonly number[];
}

function fieldsFor(purpose: string) {
  return {
    path: { kind: 'string', description: 'Where the secret lies.' },
    versions: { kind: 'comma_int_list', description: `Numbers of the versions to ${purpose}.` },
  } as const;
}

/**
 * Numbers that name no version are passed over, and so is a secret that does not exist.
 * @param change writes the secret, and gives what it is then
 */
function forChosen(change: (chosen: Chosen) => Secret | Promise<Secret>) {
  return async function handle(request: Request<Fields>, store: Transaction): Promise<undefined> {
    const path = request.fields.path ?? '';
    const versions = request.fields.versions ?? [];
    if (versions.length === 0) throw invalidRequest('no version number provided');
    const record = await loadForWrite(store, path, request.nowMs);
    if (record === undefined) return;
    const secret = await change({ request, store, path, record, versions });
    noteChange(request, store, path, record.secret, secret);
  };
}

export const deletePath: Path = definePath({
  pattern: 'delete/{path...}',
  takesTasks: true,
  fields: fieldsFor('delete'),
  operations: {
    update: {
      summary: 'Delete versions of a secret; they can be undeleted.',
      handler: tasked(
        forChosen(({ request, store, path, record, versions }) => {
          const secret = deleteVersions(record.secret, versions, request.nowMs);
          saveSecret(store, path, { secret, value: record.value });
          return secret;
        }),
      ),
    },
  },
  help: {
    synopsis: 'Delete versions of a secret.',
    description: 'The values are kept but no longer answered, until the versions are undeleted.',
  },
});

export const undeletePath: Path = definePath({
  pattern: 'undelete/{path...}',
  takesTasks: true,
  fields: fieldsFor('undelete'),
  operations: {
    update: {
      summary: 'Bring deleted versions of a secret back.',
      handler: tasked(
        forChosen(async ({ request, store, path, record, versions }) => {
          const settings = await loadMountSettings(store);
          const secret = undeleteVersions(record.secret, versions, settings, request.nowMs);
          saveSecret(store, path, { secret, value: record.value });
          return secret;
        }),
      ),
    },
  },
  help: {
    synopsis: 'Bring deleted versions of a secret back.',
    description:
      'Destroyed versions stay gone. Where versions are deleted by age, the age counts anew.',
  },
});

export const destroyPath: Path = definePath({
  pattern: 'destroy/{path...}',
  takesTasks: true,
  fields: fieldsFor('destroy'),
  operations: {
    update: {
      summary: 'Remove the values of versions for good.',
      handler: tasked(
        forChosen(
          ({ store, path, record, versions }) =>
            destroyValues(store, path, record, versions).secret,
        ),
      ),
    },
  },
  help: {
    synopsis: 'Remove the values of versions for good.',
    description: 'The version table still shows that they were there.',
  },
});
