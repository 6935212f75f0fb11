/** Commands about what a server is made of. */
import type { CommandRow } from '../command.ts';

type Name = keyof typeof import('../commands/plugin.ts');
const one = (name: Name) => async () => (await import('../commands/plugin.ts'))[name];

export const PLUGIN_COMMANDS: readonly CommandRow[] = [
  {
    name: 'plugin',
    synopsis: 'Look at the engines and methods of the server',
    about:
      'Shows which engines and methods there are. All are built in: none can be registered or removed.',
    examples: [{ about: 'See all engines:', line: 'plugin list secret' }],
  },
  {
    name: 'plugin list',
    synopsis: 'List the engines and methods that there are',
    usage: '[options] [auth|database|secret]',
    output: ['format', 'detailed'],
    takes: { min: 0, max: 1, expected: '0-1' },
    load: one('list'),
  },
  {
    name: 'plugin info',
    synopsis: 'Show one engine or method',
    usage: '[options] TYPE NAME',
    output: ['field', 'format'],
    flags: [{ name: 'version', kind: 'text', hidden: true, usage: '' }],
    takes: { min: 1, max: 2, expected: '1 or 2' },
    load: one('info'),
  },
  {
    name: 'plugin register',
    synopsis: 'Ask the server to register a program, which it refuses',
    usage: '[options] TYPE NAME',
    hidden: true,
    flags: [
      { name: 'sha256', kind: 'text', usage: 'Checksum of the program.' },
      { name: 'command', kind: 'text', usage: 'Program to run.' },
      { name: 'version', kind: 'text', usage: 'Its version.' },
      { name: 'args', kind: 'list', usage: 'Argument of the program. May be repeated.' },
    ],
    takes: { min: 1, max: 2, expected: '1 or 2' },
    load: one('register'),
  },
  {
    name: 'plugin deregister',
    synopsis: 'Does nothing: nothing is registered',
    usage: '[options] TYPE NAME',
    hidden: true,
    flags: [{ name: 'version', kind: 'text', usage: 'Its version.' }],
    takes: { min: 1, max: 2, expected: '1 or 2' },
    load: one('deregister'),
  },
  {
    name: 'plugin reload',
    synopsis: 'Does nothing: what is built in has nothing to reload',
    usage: '[options]',
    hidden: true,
    flags: [
      { name: 'plugin', kind: 'text', usage: 'Name of the engine or method.' },
      { name: 'mounts', kind: 'list', usage: 'Mounts, separated by commas.' },
      { name: 'scope', kind: 'text', hidden: true, usage: '' },
    ],
    takes: { min: 0, max: 0 },
    load: one('reload'),
  },
  {
    name: 'version-history',
    synopsis: 'List the versions of the API that the server has spoken',
    usage: '[options]',
    output: ['format'],
    takes: { min: 0, max: 0 },
    load: one('versionHistory'),
  },
];
