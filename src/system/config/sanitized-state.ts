/** `sys/config/state/sanitized`: the configuration of this server, without anything that may hold a secret. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Unit } from '../../model/transaction.ts';

export function sanitizedStatePaths(config: () => Readonly<Record<string, unknown>>): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'config/state/sanitized',
      fields: {},
      rootNamespaceOnly: true,
      operations: {
        read: {
          summary: 'Show the configuration without its secrets',
          handler: () => ({ data: config() }),
        },
      },
      help: { synopsis: 'The configuration of this server, without anything secret.' },
    }),
  ];
}
