/** Commands on any path of the API. */
import type { CommandRow } from '../command.ts';
import type { Command } from '../command.ts';
import type { Flag } from '../flags.ts';

const FORCE: Flag = {
  name: 'force',
  aliases: ['f'],
  kind: 'boolean',
  usage: 'Go ahead without any key=value.',
};
const PAIRS_ABOUT =
  'Data is given as key=value. A value of "@file" is read from a file and "-" from standard input; a leading "@" is kept by writing "\\@". An argument that is only "@file" or "-" is read as a JSON object.';
const PAGE: readonly Flag[] = [
  { name: 'after', kind: 'text', usage: 'List only what comes after this key.' },
  { name: 'limit', kind: 'integer', usage: 'List at most this many keys.' },
];

const one =
  (
    name: 'read' | 'write' | 'list' | 'scan' | 'delete' | 'patch' | 'unwrap',
  ): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/data.ts'))[name];

export const DATA_COMMANDS: readonly CommandRow[] = [
  {
    name: 'read',
    synopsis: 'Read data and retrieve secrets',
    usage: '[options] PATH [DATA K=V...]',
    about: 'Reads from a path of the API: secrets, fresh credentials, configuration.',
    examples: [
      { about: 'Read a role of the database engine:', line: 'read database/roles/readonly' },
    ],
    output: ['field', 'format'],
    takes: { min: 1 },
    raw: true,
    load: one('read'),
  },
  {
    name: 'write',
    synopsis: 'Write data, configuration and secrets',
    usage: '[options] PATH [DATA K=V...]',
    about: `Writes to a path of the API. ${PAIRS_ABOUT}`,
    examples: [
      { about: 'Store a secret:', line: 'write cubbyhole/build number=17' },
      { about: 'Create a key that needs no data:', line: 'write -force transit/keys/orders' },
      {
        about: 'Take a value from a file:',
        line: 'write auth/jwt/role/ci policies=ci bound_claims=@claims.json',
      },
    ],
    output: ['field', 'format'],
    flags: [FORCE],
    takes: { min: 1 },
    load: one('write'),
  },
  {
    name: 'patch',
    synopsis: 'Change single fields of data, configuration and secrets',
    usage: '[options] PATH [DATA K=V...]',
    about: `Changes the given fields and leaves the others as they are. ${PAIRS_ABOUT}`,
    examples: [
      { about: 'Change one setting of a role:', line: 'patch pki/roles/web allow_localhost=false' },
    ],
    output: ['field', 'format'],
    flags: [FORCE],
    takes: { min: 1 },
    load: one('patch'),
  },
  {
    name: 'delete',
    synopsis: 'Delete secrets and configuration',
    usage: '[options] PATH',
    about:
      'Deletes what is at a path of the API. What that means is up to the engine mounted there.',
    examples: [{ about: 'Remove a role:', line: 'delete database/roles/readonly' }],
    output: ['field', 'format'],
    takes: { min: 1, expected: 'at least 1' },
    load: one('delete'),
  },
  {
    name: 'list',
    synopsis: 'List data or secrets',
    usage: '[options] PATH',
    about: 'Lists the names at a path of the API. Names that end in a slash hold more names.',
    examples: [
      { about: 'List a folder:', line: 'list cubbyhole/builds/' },
      { about: 'List page by page:', line: 'list -after=0a:1b -limit=50 pki/certs' },
    ],
    output: ['format', 'detailed'],
    flags: PAGE,
    takes: { min: 1, max: 1 },
    load: one('list'),
  },
  {
    name: 'scan',
    synopsis: 'List everything below a path',
    usage: '[options] PATH',
    about: 'Lists the names at a path and in all folders below it.',
    examples: [{ about: 'See all of a folder:', line: 'scan cubbyhole/builds/' }],
    output: ['format', 'detailed'],
    flags: PAGE,
    takes: { min: 1, max: 1 },
    load: one('scan'),
  },
  {
    name: 'unwrap',
    synopsis: 'Unwrap a wrapped secret',
    usage: '[options] [TOKEN]',
    about:
      'Opens a wrapped answer and prints what was inside. Without a token, the one in use is opened.',
    examples: [{ about: 'Open a wrapped secret:', line: 'unwrap hvs.CAESI…' }],
    output: ['field', 'format'],
    takes: { min: 0, max: 1, expected: '0-1' },
    load: one('unwrap'),
  },
  {
    name: 'path-help',
    synopsis: 'Show the help of an API path',
    usage: '[options] PATH',
    about:
      'Prints what the server knows of a path: its parameters and methods. With -format=json the OpenAPI description.',
    examples: [{ about: 'Learn about the mounts:', line: 'path-help sys/mounts' }],
    output: ['format'],
    takes: { min: 1, max: 1 },
    load: async () => (await import('../commands/path-help.ts')).pathHelp,
  },
  {
    name: 'status',
    synopsis: 'Print seal and high-availability status',
    usage: '[options]',
    about:
      'Prints the state of the server. The exit code is 0 when it is unsealed, 2 when it is sealed, 1 on an error.',
    output: ['format'],
    takes: { min: 0, max: 0 },
    load: async () => (await import('../commands/status.ts')).status,
  },
  {
    name: 'run',
    synopsis: 'Run a program with secrets in its environment',
    usage: '[options] KEY... -- COMMAND [ARG...]',
    about:
      'Reads secrets of the key-value engine and starts a program with their fields as environment variables. Later keys win over earlier ones and over what was set before. Signals go to the program, and its exit code is taken over; 125 means that it was not started because the secrets could not be read, 126 that it cannot be executed, 127 that it was not found.\n\nWith -fallback the secrets are also kept in a file, encrypted under the token, and used when the server cannot be reached, but never when it refuses.',
    examples: [
      { about: 'Start a shop with its database:', line: 'run secret/shop/database -- ./shop' },
      {
        about: 'Survive an outage of up to a day:',
        line: 'run -fallback=/var/lib/shop/secrets -max-age=24h secret/shop/database -- ./shop',
      },
    ],
    flags: [
      {
        name: 'fallback',
        kind: 'text',
        complete: 'file',
        usage: 'File that keeps the secrets for an outage.',
      },
      {
        name: 'max-age',
        kind: 'duration',
        default: '24h',
        usage: 'How old the fallback may be.',
      },
      {
        name: 'mount',
        kind: 'text',
        usage: 'Where the engine is mounted. Without it each KEY begins with the mount.',
      },
      { name: 'prefix', kind: 'text', usage: 'Text in front of every variable.' },
      { name: 'upcase', kind: 'boolean', usage: 'Make the variables upper case.' },
    ],
    takes: { min: 1, expected: 'at least 1' },
    load: async () => (await import('../commands/run/run.ts')).run,
  },
];
