/** Commands for those who run the server. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';
import { RESTORE_FLAGS } from './snapshots.ts';

const SHARES: readonly Flag[] = [
  {
    name: 'key-shares',
    aliases: ['n'],
    kind: 'integer',
    usage: 'Into how many shares to split the key.',
  },
  {
    name: 'key-threshold',
    aliases: ['t'],
    kind: 'integer',
    usage: 'How many shares are needed to put it together.',
  },
];
const NONCE: Flag = {
  name: 'nonce',
  kind: 'text',
  usage: 'Nonce that the start of the operation printed.',
};
const PGP_KEYS: Flag = {
  name: 'pgp-keys',
  kind: 'list',
  complete: 'file',
  usage:
    'Files with public PGP keys, one for each share, separated by commas; the shares come encrypted to them.',
};

/** Flags of the two operations that give new key shares for a quorum of old ones. */
const REKEY_FLAGS: readonly Flag[] = [
  { name: 'init', kind: 'boolean', usage: 'Start the operation.' },
  { name: 'cancel', kind: 'boolean', usage: 'Give it up.' },
  { name: 'status', kind: 'boolean', usage: 'Show how far it is.' },
  ...SHARES,
  NONCE,
  {
    name: 'target',
    kind: 'text',
    default: 'barrier',
    complete: ['barrier', 'recovery'],
    usage: 'Which key.',
  },
  {
    name: 'verify',
    kind: 'boolean',
    usage:
      'With -init: make the new shares prove themselves before they count. Otherwise: act on that proof.',
  },
  PGP_KEYS,
  { name: 'backup', kind: 'boolean', usage: 'Let the server keep the encrypted shares.' },
  { name: 'backup-delete', kind: 'boolean', usage: 'Delete the kept shares.' },
  { name: 'backup-retrieve', kind: 'boolean', usage: 'Print the kept shares.' },
];
const QUORUM_ABOUT =
  'Start with -init, then give one key share after the other: as the argument, as "-" on standard input, or on the terminal.';

type Basic = 'seal' | 'keyStatus' | 'stepDown' | 'members' | 'rotate';
const basic =
  (name: Basic): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/operator/cluster.ts'))[name];
const backup =
  (name: 'backup' | 'restore' | 'restoreOverTheApi'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/operator/backup.ts'))[name];
export const OPERATOR_COMMANDS: readonly CommandRow[] = [
  {
    name: 'operator',
    synopsis: 'Work for those who run the server',
    examples: [
      { about: 'Set a new server up:', line: 'operator init -key-shares=5 -key-threshold=3' },
      { about: 'Unseal it:', line: 'operator unseal' },
    ],
  },
  {
    name: 'operator init',
    synopsis: 'Set up a new server',
    usage: '[options]',
    about:
      'Creates the root key, splits it into shares and prints them with the first root token. This works once.',
    output: ['format'],
    flags: [
      {
        name: 'status',
        kind: 'boolean',
        usage: 'Only tell whether the server is set up: exit code 0 if it is, 2 if not.',
      },
      ...SHARES,
      PGP_KEYS,
      {
        name: 'root-token-pgp-key',
        kind: 'text',
        complete: 'file',
        usage: 'File with a public PGP key; the root token comes encrypted to it.',
      },
      {
        name: 'recovery-shares',
        kind: 'integer',
        default: '5',
        usage: 'Into how many shares to split the recovery key, where a seal unseals by itself.',
      },
      {
        name: 'recovery-threshold',
        kind: 'integer',
        default: '3',
        usage: 'How many of those are needed.',
      },
      {
        name: 'recovery-pgp-keys',
        kind: 'list',
        complete: 'file',
        usage: 'Like -pgp-keys, for the recovery key.',
      },
    ],
    takes: { min: 0, max: 0 },
    load: async () => (await import('../commands/operator/init.ts')).operatorInit,
  },
  {
    name: 'operator unseal',
    synopsis: 'Unseal the server with a key share',
    usage: '[options] [KEY]',
    about:
      'Hands one key share to the server. Without KEY it is asked for on the terminal, which keeps it out of the shell history.',
    output: ['format'],
    flags: [
      { name: 'reset', kind: 'boolean', usage: 'Forget the shares given so far.' },
      { name: 'migrate', kind: 'boolean', usage: 'The share is given to move to another seal.' },
    ],
    takes: { min: 0, max: 1, expected: '1' },
    load: async () => (await import('../commands/operator/unseal.ts')).operatorUnseal,
  },
  {
    name: 'operator seal',
    synopsis: 'Seal the server',
    usage: '[options]',
    takes: { min: 0, max: 0 },
    load: basic('seal'),
  },
  {
    name: 'operator key-status',
    synopsis: 'Show the current encryption key',
    usage: '[options]',
    output: ['format'],
    takes: { min: 0, max: 0 },
    load: basic('keyStatus'),
  },
  {
    name: 'operator rotate',
    synopsis: 'Start using a new encryption key',
    usage: '[options]',
    output: ['format'],
    takes: { min: 0, max: 0 },
    load: basic('rotate'),
  },
  {
    name: 'operator step-down',
    synopsis: 'Make the active server a standby',
    usage: '[options]',
    takes: { min: 0, max: 0 },
    load: basic('stepDown'),
  },
  {
    name: 'operator members',
    synopsis: 'List the servers of the cluster',
    usage: '[options]',
    output: ['format'],
    takes: { min: 0 },
    load: basic('members'),
  },
  {
    name: 'operator rekey',
    synopsis: 'Get new key shares for a quorum of old ones',
    usage: '[options] [KEY]',
    about: QUORUM_ABOUT,
    output: ['format'],
    flags: REKEY_FLAGS,
    takes: { min: 0, max: 1, expected: '0-1' },
    load: async () => (await import('../commands/operator/rekey.ts')).rekey,
  },
  {
    name: 'operator rotate-keys',
    synopsis: 'Get a new root key and new shares, logged in',
    usage: '[options] [KEY]',
    about: `Like "operator rekey", for those who are logged in. ${QUORUM_ABOUT}`,
    output: ['format'],
    flags: REKEY_FLAGS,
    takes: { min: 0, max: 1, expected: '0-1' },
    load: async () => (await import('../commands/operator/rekey.ts')).rotateKeys,
  },
  {
    name: 'operator generate-root',
    synopsis: 'Get a new root token for a quorum of key shares',
    usage: '[options] [KEY]',
    about: `${QUORUM_ABOUT} The token comes encoded with a one-time password; -decode opens it.`,
    output: ['format'],
    flags: [
      { name: 'init', kind: 'boolean', usage: 'Start the operation.' },
      { name: 'cancel', kind: 'boolean', usage: 'Give it up.' },
      { name: 'status', kind: 'boolean', usage: 'Show how far it is.' },
      {
        name: 'decode',
        kind: 'text',
        usage: 'Encoded token to open, or "-" to read it from standard input. Needs -otp.',
      },
      { name: 'generate-otp', kind: 'boolean', usage: 'Print a fresh one-time password.' },
      { name: 'otp', kind: 'text', usage: 'One-time password for -init or -decode.' },
      {
        name: 'pgp-key',
        kind: 'text',
        complete: 'file',
        usage: 'File with a public PGP key to encrypt the token to, instead of a password.',
      },
      { name: 'recovery-token', kind: 'boolean', usage: 'Get a recovery token instead.' },
      NONCE,
    ],
    takes: { min: 0, max: 1, expected: '0-1' },
    load: async () => (await import('../commands/operator/generate-root.ts')).generateRoot,
  },
  {
    name: 'operator backup',
    synopsis: 'Save all data of the server to a file',
    usage: '[options] FILE',
    about:
      'Saves a consistent copy of the store of a running server, checks it, and gives it its name when it is whole. Its contents stay encrypted; opening them takes the key shares of this server. FILE must not exist.',
    examples: [{ about: 'Save everything:', line: 'operator backup strongroom-2026-11-22.backup' }],
    takes: { min: 1, max: 1 },
    load: backup('backup'),
  },
  {
    name: 'operator restore',
    synopsis: 'Put a backup in place of all data of a server',
    usage: '[options] FILE',
    about:
      'Sends a snapshot to the running server, which checks it and puts it in place of everything that it holds; other servers on the same store go over to it. The token needs sudo. What would leave the server sealed is refused without -force.\n\nWith -config or -data puts it where a server that does not run keeps its data. Afterwards the server is unsealed with the key shares, or the key, of the server that the backup comes from.',
    examples: [
      {
        about: 'Restore the running server:',
        line: 'operator restore strongroom-2026-11-22.backup',
      },
      {
        about: 'Restore to where the configuration says:',
        line: 'operator restore -config=/etc/strongroom strongroom-2026-11-22.backup',
      },
    ],
    flags: RESTORE_FLAGS,
    takes: { min: 1, max: 1 },
    load: backup('restore'),
  },
  {
    name: 'operator migrate',
    synopsis: 'Move all data of a stopped server to another store',
    usage: '[options] -from=CONFIG -to=CONFIG',
    about:
      'Copies every record from the store that one configuration names to the store that another one names, embedded or PostgreSQL. The records stay as they are, encrypted, so the server is unsealed with the keys that it always had. The target must be empty; no server may run on either. Both stores are read again and compared in the end. When it is cut off, run it again: it goes on where it was.\n\nAfterwards the old store says that it was moved, and no server starts on it.',
    examples: [
      {
        about: 'Move to PostgreSQL:',
        line: 'operator migrate -from=/etc/strongroom/sqlite.hcl -to=/etc/strongroom/postgresql.hcl',
      },
      {
        about: 'Take the old store into use again, without what was written to the new one:',
        line: 'operator migrate -release -from=/etc/strongroom/sqlite.hcl',
      },
    ],
    output: ['format'],
    flags: [
      {
        name: 'from',
        kind: 'list',
        complete: 'file',
        usage: 'Configuration that names the store with the data. May be repeated.',
      },
      {
        name: 'to',
        kind: 'list',
        complete: 'file',
        usage: 'Configuration that names the store to move to. May be repeated.',
      },
      {
        name: 'keep-source',
        kind: 'boolean',
        usage: 'Let servers start on the old store too: for a copy to try things out on.',
      },
      {
        name: 'verify-only',
        kind: 'boolean',
        usage: 'Move nothing: compare what both hold.',
      },
      {
        name: 'release',
        kind: 'boolean',
        usage: 'Move nothing: let servers start again on a store that was moved.',
      },
    ],
    takes: { min: 0, max: 0 },
    local: true,
    load: async () => (await import('../commands/operator/migrate.ts')).migrate,
  },
  { name: 'operator raft', synopsis: 'Other names of backup and restore', hidden: true },
  { name: 'operator raft snapshot', synopsis: 'Other names of backup and restore', hidden: true },
  {
    name: 'operator raft snapshot save',
    synopsis: 'Same as "operator backup"',
    usage: '[options] FILE',
    hidden: true,
    takes: { min: 1, max: 1 },
    load: backup('backup'),
  },
  {
    name: 'operator raft snapshot restore',
    synopsis: 'Same as "operator restore" of a running server',
    usage: '[options] FILE',
    hidden: true,
    flags: [
      {
        name: 'force',
        aliases: ['f'],
        kind: 'boolean',
        usage: 'Also a snapshot that other keys unseal, or of another cluster.',
      },
    ],
    takes: { min: 1, max: 1 },
    load: backup('restoreOverTheApi'),
  },
];
