/** Commands for what is lent and rotated. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const KV_MOUNT: Flag = {
  name: 'mount',
  kind: 'text',
  usage:
    'Where the engine is mounted; KEY is then the key alone. Without it KEY begins with the mount.',
};
const DB_MOUNT: Flag = {
  name: 'mount',
  kind: 'text',
  usage: 'Where the database engine is mounted; "database" without it.',
};

type Rotate =
  | 'status'
  | 'now'
  | 'dryRun'
  | 'pause'
  | 'resume'
  | 'history'
  | 'consumers'
  | 'calendar';
const rotate =
  (name: Rotate): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/rotate.ts'))[name];

type Db = 'creds' | 'staticCreds' | 'rotateRole' | 'rotateRoot' | 'reset';
const db =
  (name: Db): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/engines/db.ts'))[name];

function ofSecret(
  name: string,
  synopsis: string,
  load: () => Promise<Command>,
  more: Partial<CommandRow> = {},
): CommandRow {
  return {
    name: `rotate ${name}`,
    synopsis,
    usage: '[options] KEY',
    takes: { min: 1, max: 1 },
    load,
    ...more,
    flags: [KV_MOUNT, ...(more.flags ?? [])],
  };
}

function ofRole(
  name: string,
  synopsis: string,
  load: () => Promise<Command>,
  more: Partial<CommandRow> = {},
): CommandRow {
  return {
    name: `db ${name}`,
    synopsis,
    usage: '[options] NAME',
    flags: [DB_MOUNT],
    takes: { min: 1, max: 1 },
    load,
    ...more,
  };
}

export const DYNAMIC_COMMANDS: readonly CommandRow[] = [
  {
    name: 'rotate',
    synopsis: 'Work with the rotation of secrets',
    about:
      'Secrets of the key-value engine, version 2, are renewed by the policy that lies at rotation/secret/KEY of their mount.',
    examples: [
      { about: 'Try a rotation out:', line: 'rotate dry-run -mount=secret shop/database' },
      { about: 'Renew a secret now:', line: 'rotate now -mount=secret shop/database' },
      { about: 'See what comes:', line: 'rotate calendar secret' },
    ],
  },
  ofSecret('status', 'Show a rotation policy and where it stands', rotate('status'), {
    output: ['field', 'format'],
  }),
  ofSecret('now', 'Renew a secret now', rotate('now'), {
    flags: [
      {
        name: 'force',
        aliases: ['f'],
        kind: 'boolean',
        usage: 'End the time of grace of the value before, if it is in one.',
      },
    ],
  }),
  ofSecret('dry-run', 'Try a rotation out without changing anything', rotate('dryRun'), {
    output: ['format'],
  }),
  ofSecret('pause', 'Stop rotating by the calendar', rotate('pause')),
  ofSecret('resume', 'Rotate by the calendar again', rotate('resume')),
  ofSecret('history', 'List the last rotations of a secret', rotate('history'), {
    output: ['format'],
  }),
  ofSecret('consumers', 'List who reads a secret, and which version', rotate('consumers'), {
    output: ['format'],
  }),
  ofSecret('calendar', 'List the rotations of a mount that come', rotate('calendar'), {
    usage: '[options] MOUNT',
    output: ['format'],
  }),
  {
    name: 'db',
    synopsis: 'Work with accounts of databases',
    examples: [
      { about: 'Get an account:', line: 'db creds readonly' },
      { about: 'Read the password of a static role:', line: 'db static-creds -field=password app' },
    ],
  },
  ofRole('creds', 'Get an account of a database', db('creds'), { output: ['field', 'format'] }),
  ofRole('static-creds', 'Read the credential of a static role', db('staticCreds'), {
    output: ['field', 'format'],
  }),
  ofRole('rotate-role', 'Renew the credential of a static role', db('rotateRole')),
  ofRole('rotate-root', 'Renew the password of a connection', db('rotateRoot')),
  ofRole('reset', 'Close a connection and open it anew', db('reset')),
];
