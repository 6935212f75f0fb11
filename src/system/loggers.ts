/** `sys/loggers`: how much each part of the server writes to its operational log, changed while it runs. */
import { LOG_LEVELS } from '../base/log.ts';
import type { LogLevel } from '../base/log.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest } from '../model/errors.ts';
import type { Unit } from '../model/transaction.ts';

/** The levels of this process; they are not stored. */
export interface LogLevels {
  levels(): ReadonlyMap<string, LogLevel>;
  /** Level of a logger that may not exist yet. */
  levelOf(name: string): LogLevel;
  /** False when there is no such logger. */
  setLevel(name: string, level: LogLevel): boolean;
  resetLevel(name: string): boolean;
  setAllLevels(level: LogLevel): void;
  resetAllLevels(): void;
}

/** Loggers that Vault's tools expect, though the work behind some of them is done elsewhere here. */
const EXPECTED: readonly string[] = [
  'audit',
  'core',
  'core.cluster-listener',
  'core.cluster-listener.tcp',
  'core.router',
  'expiration',
  'expiration.job-manager',
  'grpclogfaker',
  'identity',
  'identity.storagepacker.entities',
  'identity.storagepacker.groups',
  'identity.storagepacker.local-aliases',
  'mfa',
  'namespace',
  'policy',
  'quotas',
  'rollback',
  'seal.shamir',
  'storage.cache',
  'storage.inmem',
  'system',
  'token',
];

const ALIASES: ReadonlyMap<string, LogLevel> = new Map([
  ...LOG_LEVELS.map((level) => [level, level] as const),
  ['notice', 'info'],
  ['warning', 'warn'],
  ['err', 'error'],
]);

const levelField = {
  kind: 'string',
  description: 'Level: trace, debug, info, warn or error.',
} as const;

function parseLevel(text: string | undefined): LogLevel {
  if (text === undefined || text === '') throw invalidRequest('level is required');
  const level = ALIASES.get(text.trim().toLowerCase());
  if (level === undefined) throw invalidRequest('invalid level provided: unknown log level');
  return level;
}

function isKnown(ports: LogLevels, name: string): boolean {
  return EXPECTED.includes(name) || ports.levels().has(name);
}

export function loggerPaths(ports: LogLevels): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'loggers',
      fields: { level: levelField },
      rootNamespaceOnly: true,
      help: { synopsis: 'The level of every logger.' },
      operations: {
        read: {
          summary: 'Read the levels',
          handler: () => {
            const names = new Set([...EXPECTED, ...ports.levels().keys()]);
            const levels = [...names].sort().map((name) => [name, ports.levelOf(name)] as const);
            return { data: Object.fromEntries(levels) };
          },
        },
        update: {
          summary: 'Set the level of all loggers',
          handler: ({ fields }) => {
            ports.setAllLevels(parseLevel(fields.level));
            return undefined;
          },
        },
        delete: {
          summary: 'Take all loggers back to the configured level',
          handler: () => {
            ports.resetAllLevels();
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'loggers/{name...}',
      fields: { name: { kind: 'string', description: 'Name of the logger.' }, level: levelField },
      rootNamespaceOnly: true,
      help: { synopsis: 'The level of one logger.' },
      operations: {
        read: {
          summary: 'Read the level',
          handler: ({ fields }) => {
            const name = named(fields.name);
            return { data: isKnown(ports, name) ? { [name]: ports.levelOf(name) } : {} };
          },
        },
        update: {
          summary: 'Set the level',
          handler: ({ fields: { name: given, level } }) => {
            const name = named(given);
            const wanted = parseLevel(level);
            // One that is only expected has no lines to filter.
            if (!ports.setLevel(name, wanted) && !EXPECTED.includes(name)) throw unknown();
            return undefined;
          },
        },
        delete: {
          summary: 'Take the logger back to the configured level',
          handler: ({ fields }) => {
            const name = named(fields.name);
            if (!ports.resetLevel(name) && !EXPECTED.includes(name)) throw unknown();
            return undefined;
          },
        },
      },
    }),
  ];
}

function unknown(): Error {
  return invalidRequest('logger not found');
}

function named(name: string | undefined): string {
  if (name === undefined || name === '') throw invalidRequest('name is empty');
  return name;
}
