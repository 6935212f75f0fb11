/** Which paths run the tasks of facades (model/tasks/certificate-task.ts) instead of their own handlers, and how. */
import { takingTask } from '../../../model/tasks/taking-task.ts';
import type { Path } from '../../../model/backend.ts';
import type {
  CertificateListDesk,
  CertificateTask,
} from '../../../model/tasks/certificate-task.ts';
import { RequestError } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { Desk, isOver, shownAs } from './certificate-desk.ts';
import type { Awaited } from './certificate-desk.ts';
import { AWAITED, STORED } from './record.ts';
import type { StoredRecord } from './record.ts';
import type { Reply } from '../../../model/reply.ts';

const PAGE_MAX = 1_000;
/** Patterns whose handlers run tasks. */
const TAKING: ReadonlySet<string> = new Set([
  'stored',
  'stored/{name}',
  'stored/{name}/info',
  'stored/{name}/issue/{role}',
  'stored/{name}/soft-delete',
  'stored/{name}/soft-delete-restore',
]);

/** The path as it is, whose operations run the task that a request brings instead. */
export function takingTasks(path: Path, ports: PkiPorts): Path {
  if (!TAKING.has(path.pattern)) return path;
  return takingTask(path, (request, task, store) => run(request, task, store, ports));
}

/** The binding leads to the wrong mount. */
function noCertificates(): RequestError {
  return new RequestError('unsupported_operation', 'the mount keeps certificates, nothing else', {
    reason: 'not_versioned',
  });
}

async function run(
  request: Request<{ readonly name?: string; readonly role?: string }>,
  task: CertificateTask,
  store: Transaction,
  ports: PkiPorts,
): Promise<Reply | undefined> {
  if (request.operation === 'list') {
    if (task.certificates === undefined) throw noCertificates();
    return await task.certificates(listDesk(request, store));
  }
  if (task.certificate === undefined) throw noCertificates();
  const { name = '', role } = request.fields;
  const [record, awaited] = [
    await store.getJson<StoredRecord>(STORED + name),
    await store.getJson<Awaited>(AWAITED + name),
  ];
  return await task.certificate(new Desk(request, store, ports, { name, role, record, awaited }));
}

function listDesk({ nowMs, retention }: Request<unknown>, store: Transaction): CertificateListDesk {
  return {
    nowMs,
    retention,
    async page(after, limit) {
      const wanted = Math.min(limit, PAGE_MAX);
      const names = await store.list(STORED, {
        limit: wanted,
        ...(after === '' ? {} : { after }),
      });
      const records = await Promise.all(
        names.map(async (name) => await store.getJson<StoredRecord>(STORED + name)),
      );
      const certificates = names.flatMap((name, index) => {
        const record = records[index];
        return record === undefined || isOver(record, nowMs)
          ? []
          : [{ name, certificate: shownAs(record) }];
      });
      return { certificates, next: names.length < wanted ? undefined : names.at(-1) };
    },
  };
}
