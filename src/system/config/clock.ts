/** `sys/config/reload/clock`: the server that is asked takes over the time of its machine, which it does not follow where that jumps. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Unit } from '../../model/transaction.ts';

export function clockPaths(adopt: () => void): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'config/reload/clock',
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      operations: {
        update: {
          summary: 'Take over the system clock',
          handler: () => {
            adopt();
            return undefined;
          },
        },
      },
      help: {
        synopsis: 'Has this server believe the system clock, after that was set.',
        description:
          'A running server does not follow a system clock that jumps. What has ended by the new time is over at once.',
      },
    }),
  ];
}
