/** KV version 2: secrets by path, with versions. */
import { definePath } from '../../../model/backend.ts';
import type { Backend, Path } from '../../../model/backend.ts';
import type { Request } from '../../../model/request.ts';
import { ROTATE, rotateTask } from '../rotation/machine.ts';
import { rotationPaths } from '../rotation/paths.ts';
import type { RotationPorts } from '../rotation/ports.ts';
import { functionPaths } from '../functions/functions.ts';
import { changeTask, END_HEARD, TELL_CHANGE } from '../functions/changes.ts';
import { REMIND, SEND_NOTICE, noticeTask, reminderTask } from '../functions/notices.ts';
import { ROTATE_BY_FUNCTION, functionTask } from '../functions/rotation.ts';
import type { FunctionPorts } from '../functions/rotation.ts';
import { endingTask } from '../secret/purge.ts';
import { dataPath } from './data.ts';
import { importPath } from './import.ts';
import { detailedMetadataPath, metadataPath } from './metadata.ts';
import { mountSettingsPath } from './mount-settings.ts';
import { subkeysPath } from './subkeys.ts';
import { deletePath, destroyPath, undeletePath } from './version-states.ts';
import type { Reply } from '../../../model/reply.ts';

/** Paths that make sense only with a secret's path behind them. */
const BARE: ReadonlySet<string> = new Set(['metadata', 'data', 'delete', 'undelete', 'destroy']);

/** What the CLI calls each operation. */
const CLI_VERBS: Readonly<Partial<Record<Request['operation'], string>>> = {
  create: 'put',
  update: 'put',
  patch: 'patch',
  read: 'get',
  list: 'list',
  scan: 'scan',
  delete: 'delete',
};

/** A client that takes the mount for version 1 is told so: Vault's clients show the warning of a 404. */
function explain(request: Request<unknown>): Reply {
  const verb = CLI_VERBS[request.operation] ?? '';
  const warning = BARE.has(request.path)
    ? 'Non-listing operations on the root of a K/V v2 mount are not supported.'
    : `Invalid path for a versioned K/V secrets engine: its secrets lie below data/ and metadata/. The CLI does this with 'kv ${verb}'.`;
  return { status: 404, warnings: [warning] };
}

const operation = { summary: 'Say which paths there are.', handler: explain };

const otherPath: Path = definePath({
  pattern: '{other...}',
  fields: { other: { kind: 'any', description: 'Any path that is none of the others.' } },
  operations: {
    read: operation,
    create: operation,
    update: operation,
    patch: operation,
    delete: operation,
    list: operation,
    scan: operation,
  },
  help: {
    synopsis: 'Not a path of a versioned secrets engine.',
    description: 'Secrets lie below data/, their settings and names below metadata/.',
  },
});

/** `kv` with option version 2. */
export function kvVersion2(rotation?: RotationPorts, functions?: FunctionPorts): Backend {
  return {
    type: 'kv',
    kind: 'secret',
    summary: 'Secrets by path, with versions.',
    paths: [
      mountSettingsPath,
      dataPath,
      metadataPath,
      detailedMetadataPath,
      destroyPath,
      subkeysPath,
      deletePath,
      undeletePath,
      importPath,
      ...(rotation === undefined ? [] : rotationPaths(rotation)),
      ...(functions === undefined ? [] : functionPaths),
      otherPath,
    ],
    tasks: {
      ...(rotation === undefined ? {} : { [ROTATE]: rotateTask(rotation) }),
      ...(functions === undefined
        ? {}
        : {
            [ROTATE_BY_FUNCTION]: functionTask(functions),
            [SEND_NOTICE]: noticeTask(functions.callOut),
            [REMIND]: reminderTask(),
            [END_HEARD]: endingTask(),
            [TELL_CHANGE]: changeTask(functions.tell),
          }),
    },
  };
}
