/** Puts what the calendar does into the audit log: a request that nobody sent, and its outcome. */
import type { AuditBroker } from '../../audit/broker.ts';
import type { RequestEntry } from '../../audit/record.ts';
import { uuid } from '../../base/random.ts';
import type { World } from '../../base/world.ts';
import { RequestError } from '../../model/errors.ts';
import type { TaskContext } from '../../model/outside.ts';
import type { MountEntry } from '../mounts/mount-entry.ts';
import type { NamespaceRef } from '../../model/principal.ts';

export interface TaskAuditPorts {
  readonly world: Pick<World, 'random'>;
  readonly audit: Pick<AuditBroker, 'request' | 'reply'>;
}

export interface TaskAudit {
  readonly record: TaskContext['record'];
  /** After the run, before its commit. @throws {RequestError} audit_failed */
  end(error?: unknown): Promise<void>;
}

export function taskAudit(
  { world, audit }: TaskAuditPorts,
  namespace: NamespaceRef,
  mount: Pick<MountEntry, 'path' | 'type' | 'accessor'>,
): TaskAudit {
  let entry: RequestEntry | undefined;
  let failure: string | undefined;
  return {
    async record(path) {
      entry = {
        id: uuid(world.random),
        protocol: 'vault',
        action: 'scheduled',
        operation: 'update',
        namespace,
        path: mount.path + path,
        mount: { path: mount.path, type: mount.type, accessor: mount.accessor },
      };
      await audit.request(entry);
      return {
        failed(reason) {
          failure = reason;
        },
      };
    },
    async end(error) {
      if (entry === undefined) return;
      const reason = failure ?? (error instanceof Error ? error.message : undefined);
      await audit.reply({
        request: entry,
        ...(reason === undefined ? {} : { error: new RequestError('upstream_failed', reason) }),
      });
    },
  };
}
