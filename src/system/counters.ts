/** `sys/internal/counters`: how many tokens and entities there are. */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { notFound } from '../model/errors.ts';
import type { Unit } from '../model/transaction.ts';

export interface CounterPorts {
  readonly tokens: (unit: Unit, namespaceId: string) => Promise<number>;
  readonly entities: (unit: Unit, namespaceId: string) => Promise<number>;
}

export function counterPaths(ports: CounterPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'internal/counters/tokens',
      fields: {},
      help: { synopsis: 'Counts the service tokens of the namespace.' },
      operations: {
        read: {
          summary: 'Count tokens',
          handler: async (request, unit) => ({
            data: {
              counters: {
                service_tokens: { total: await ports.tokens(unit, request.namespace.id) },
              },
            },
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'internal/counters/entities',
      fields: {},
      help: { synopsis: 'Counts the entities of the namespace.' },
      operations: {
        read: {
          summary: 'Count entities',
          handler: async (request, unit) => ({
            data: {
              counters: { entities: { total: await ports.entities(unit, request.namespace.id) } },
            },
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'internal/counters/requests',
      fields: {},
      help: { synopsis: 'Requests are not counted here: see `sys/metrics`.' },
      operations: {
        read: {
          summary: 'Gone',
          handler: () => {
            throw notFound('The functionality has been removed on this path');
          },
        },
      },
    }),
  ];
}
