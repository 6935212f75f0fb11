/** Commands of namespaces, and the log of the server. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const METADATA: Flag = {
  name: 'custom-metadata',
  kind: 'map',
  usage: 'Note to keep with the namespace, as key=value. May be repeated.',
};

type NamespaceVerb = 'create' | 'delete' | 'list' | 'scan' | 'lookup' | 'patch' | 'lock' | 'unlock';
const namespace =
  (name: NamespaceVerb): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/namespace.ts'))[name];

export const NAMESPACE_COMMANDS: readonly CommandRow[] = [
  {
    name: 'monitor',
    synopsis: 'Follow the log of the server',
    usage: '[options]',
    flags: [
      {
        name: 'log-level',
        kind: 'text',
        default: 'info',
        complete: ['trace', 'debug', 'info', 'warn', 'error'],
        usage: 'How much to see.',
      },
      {
        name: 'log-format',
        kind: 'text',
        default: 'standard',
        complete: ['standard', 'json'],
        usage: 'How the lines look.',
      },
    ],
    takes: { min: 0, max: 0 },
    load: async () => (await import('../commands/monitor.ts')).monitor,
  },
  {
    name: 'namespace',
    synopsis: 'Work with namespaces',
    examples: [
      { about: 'Create one:', line: 'namespace create shop' },
      { about: 'Create one inside it:', line: 'namespace create -namespace=shop checkout' },
    ],
  },
  {
    name: 'namespace create',
    synopsis: 'Create a namespace',
    usage: '[options] PATH',
    output: ['field', 'format'],
    flags: [METADATA],
    takes: { min: 1, max: 1 },
    load: namespace('create'),
  },
  {
    name: 'namespace delete',
    synopsis: 'Delete a namespace with all its data',
    usage: '[options] PATH',
    takes: { min: 1, max: 1 },
    load: namespace('delete'),
  },
  {
    name: 'namespace list',
    synopsis: 'List the namespaces',
    usage: '[options]',
    output: ['format', 'detailed'],
    takes: { min: 0, max: 0 },
    load: namespace('list'),
  },
  {
    name: 'namespace scan',
    synopsis: 'List the namespaces with those inside them',
    usage: '[options]',
    output: ['format', 'detailed'],
    takes: { min: 0, max: 0 },
    load: namespace('scan'),
  },
  {
    name: 'namespace lookup',
    synopsis: 'Show a namespace',
    usage: '[options] PATH',
    output: ['format'],
    takes: { min: 1, max: 1 },
    load: namespace('lookup'),
  },
  {
    name: 'namespace patch',
    synopsis: 'Change the notes of a namespace',
    usage: '[options] PATH',
    output: ['field', 'format'],
    flags: [
      METADATA,
      { name: 'remove-custom-metadata', kind: 'list', usage: 'Note to remove. May be repeated.' },
    ],
    takes: { min: 1, max: 1 },
    load: namespace('patch'),
  },
  {
    name: 'namespace lock',
    synopsis: 'Refuse all requests to a namespace',
    usage: '[options] [PATH]',
    output: ['field', 'format'],
    takes: { min: 0, max: 1, expected: '0-1' },
    load: namespace('lock'),
  },
  {
    name: 'namespace unlock',
    synopsis: 'Allow requests to a namespace again',
    usage: '[options] [PATH]',
    takes: { min: 0, max: 1, expected: '0-1' },
    load: namespace('unlock'),
  },
];
