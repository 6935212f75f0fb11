/** `sys/key-status`, `sys/rotate`, `sys/rotate/config`: the term that encrypts, and when the next one comes. */
import { formatTime } from '../../base/time-format.ts';
import { MAX_OPERATIONS_DEFAULT } from '../../barrier/keys/keyring.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import type { SealPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

/** Fewest encryptions after which a rotation may be asked for; fewer would fill the keyring with terms. */
const MAX_OPERATIONS_MIN = 1_000_000;
/** Shortest age, in seconds, at which a rotation may be asked for. */
const INTERVAL_SECONDS_MIN = 24 * 60 * 60;

const configFields = {
  enabled: { kind: 'bool', description: 'Whether terms are rotated without being asked.' },
  max_operations: { kind: 'int', description: 'Encryptions under one term before the next.' },
  interval: {
    kind: 'duration_seconds',
    description: 'Age of a term before the next; 0 = age does not matter.',
  },
} as const;

export function keyringPaths(ports: SealPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'key-status',
      fields: {},
      rootNamespaceOnly: true,
      help: { synopsis: 'Tells which term encrypts, since when, and how often it has.' },
      operations: {
        read: {
          summary: 'Read the key status',
          handler: async () => {
            const { term, installedMs, encryptions } = await ports.keyring.keyStatus();
            return {
              injectTopLevel: true,
              data: { term, install_time: formatTime(installedMs), encryptions },
            };
          },
        },
      },
    }),
    ...['rotate', 'rotate/keyring'].map((pattern) =>
      defineSystemPath({
        pattern,
        fields: {},
        sudo: true,
        rootNamespaceOnly: true,
        help: {
          synopsis:
            'Installs a new encryption key. What was encrypted before stays readable, and is encrypted again in the background. Needs sudo.',
        },
        operations: {
          update: {
            summary: 'Rotate the encryption key',
            outsideEffects: true,
            handler: async () => {
              await ports.keyring.rotate();
              return undefined;
            },
          },
        },
      }),
    ),
    ...['rotate/config', 'rotate/keyring/config'].map((pattern) => configPath(ports, pattern)),
  ];
}

function configPath(ports: SealPorts, pattern: string): Path<Unit> {
  return defineSystemPath({
    pattern,
    fields: configFields,
    rootNamespaceOnly: true,
    help: { synopsis: 'When the encryption key is rotated without being asked.' },
    operations: {
      read: { summary: 'Read the configuration', handler: () => readConfig(ports) },
      update: {
        summary: 'Change the configuration',
        outsideEffects: true,
        handler: async ({ fields }) => {
          const old = await ports.keyring.rotationConfig();
          const maxOperations = fields.max_operations ?? old.maxOperations;
          const intervalSeconds = fields.interval ?? old.intervalSeconds;
          if (intervalSeconds !== 0 && intervalSeconds < INTERVAL_SECONDS_MIN) {
            throw invalidRequest('interval must be greater or equal to 24h0m0s');
          }
          if (maxOperations < MAX_OPERATIONS_MIN || maxOperations > MAX_OPERATIONS_DEFAULT) {
            throw invalidRequest(
              `max_operations must be in the range [${MAX_OPERATIONS_MIN},${MAX_OPERATIONS_DEFAULT}]`,
            );
          }
          // As the reference has it, `enabled` takes effect together with another change only.
          if (maxOperations === old.maxOperations && intervalSeconds === old.intervalSeconds) {
            return undefined;
          }
          const { enabled } = fields;
          await ports.keyring.setRotationConfig({
            ...(enabled === undefined ? {} : { enabled }),
            ...(fields.max_operations === undefined ? {} : { maxOperations }),
            ...(fields.interval === undefined ? {} : { intervalSeconds }),
          });
          return undefined;
        },
      },
    },
  });
}

async function readConfig(ports: SealPorts): Promise<Reply> {
  const { enabled, maxOperations, intervalSeconds } = await ports.keyring.rotationConfig();
  return {
    data: { enabled, interval: formatInterval(intervalSeconds), max_operations: maxOperations },
  };
}

/** As Go prints a duration: `720h0m0s`. */
function formatInterval(seconds: number): string | number {
  if (seconds === 0) return 0;
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m${seconds % 60}s`;
}
