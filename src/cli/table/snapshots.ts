/** Commands about snapshots of the whole store, and about single secrets as they were. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

type Name = 'schedule' | 'status' | 'list' | 'run' | 'load' | 'unload' | 'inspect';
const snapshot =
  (name: Name): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/operator/snapshot.ts'))[name];
const backup =
  (name: 'backup' | 'restore'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/operator/backup.ts'))[name];

const PUBLIC_KEY: Flag = {
  name: 'public-key',
  kind: 'text',
  usage:
    'Demand that the snapshot is signed with this key, as "operator snapshot status" shows it. Without it a signature shows only that the file is whole.',
};

/** Of the two commands that restore, under either name. */
export const RESTORE_FLAGS: readonly Flag[] = [
  {
    name: 'config',
    kind: 'list',
    complete: 'file',
    usage: 'Configuration of a server that does not run, which names its storage. May be repeated.',
  },
  {
    name: 'data',
    kind: 'text',
    complete: 'folder',
    usage: 'Folder that keeps the data, instead of -config.',
  },
  {
    name: 'force',
    aliases: ['f'],
    kind: 'boolean',
    usage:
      'With -config or -data: replace data that is there; a folder keeps it beside the restored one. Else: also a snapshot that other keys unseal, or of another cluster.',
  },
  PUBLIC_KEY,
];

export const SNAPSHOT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'operator snapshot',
    synopsis: 'Make, schedule, check and open snapshots of the whole store',
    examples: [
      { about: 'Save everything now:', line: 'operator snapshot save strongroom.snapshot' },
      {
        about: 'Save everything every night, and keep two weeks of it:',
        line: 'operator snapshot schedule nightly schedule="0 2 * * *" storage_type=local retain_daily=14',
      },
      { about: 'See whether that works:', line: 'operator snapshot status' },
    ],
  },
  {
    name: 'operator snapshot save',
    synopsis: 'Same as "operator backup"',
    usage: '[options] FILE',
    takes: { min: 1, max: 1 },
    load: backup('backup'),
  },
  {
    name: 'operator snapshot restore',
    synopsis: 'Same as "operator restore"',
    usage: '[options] FILE',
    flags: RESTORE_FLAGS,
    takes: { min: 1, max: 1 },
    load: backup('restore'),
  },
  {
    name: 'operator snapshot inspect',
    synopsis: 'Check a snapshot file and show what it says of itself',
    usage: '[options] FILE',
    about:
      'Checks the signature and every byte. No key of the server is needed, and nothing in the file is decrypted.',
    output: ['format'],
    flags: [PUBLIC_KEY],
    takes: { min: 1, max: 1 },
    local: true,
    load: snapshot('inspect'),
  },
  {
    name: 'operator snapshot schedule',
    synopsis: 'Show, write or delete a schedule of snapshots',
    usage: '[options] NAME [KEY=VALUE...]',
    about:
      'Without pairs shows the schedule. With them replaces it: interval or schedule (cron), retain, retain_hourly, retain_daily, retain_weekly, retain_monthly, max_age, storage_type (local, aws-s3) and what belongs to that. A secret is best read from a file: aws_secret_access_key=@FILE.',
    examples: [
      {
        about: 'To object storage, every hour:',
        line: 'operator snapshot schedule hourly interval=1h storage_type=aws-s3 aws_s3_bucket=backups aws_s3_region=eu-central-1 path_prefix=strongroom aws_access_key_id=AKID aws_secret_access_key=@secret.txt',
      },
    ],
    output: ['format'],
    flags: [
      {
        name: 'delete',
        kind: 'boolean',
        usage: 'Delete the schedule; the snapshots that it made stay.',
      },
    ],
    takes: { min: 1 },
    load: snapshot('schedule'),
  },
  {
    name: 'operator snapshot status',
    synopsis: 'Show what came of the schedules of snapshots',
    usage: '[options] [NAME]',
    about: 'Exit code 2 when the last snapshot of one of them failed, for monitoring.',
    output: ['format'],
    takes: { min: 0, max: 1, expected: '0-1' },
    load: snapshot('status'),
  },
  {
    name: 'operator snapshot list',
    synopsis: 'List the snapshots that a schedule has made and kept',
    usage: '[options] NAME',
    output: ['format'],
    takes: { min: 1, max: 1 },
    load: snapshot('list'),
  },
  {
    name: 'operator snapshot run',
    synopsis: 'Make a snapshot of a schedule now',
    usage: '[options] NAME',
    takes: { min: 1, max: 1 },
    load: snapshot('run'),
  },
  {
    name: 'operator snapshot load',
    synopsis: 'Load a snapshot, so that secrets can be read and recovered from it',
    usage: '[options] NAME SNAPSHOT | FILE',
    about:
      'Nothing is restored. The snapshot stays loaded for three days, or until it is unloaded. A FILE is sent to the server that is asked and stays with it until it ends; of several servers only that one can read it.',
    output: ['field', 'format'],
    takes: { min: 1, max: 2, expected: '1-2' },
    load: snapshot('load'),
  },
  {
    name: 'operator snapshot unload',
    synopsis: 'Unload a snapshot',
    usage: '[options] ID',
    takes: { min: 1, max: 1 },
    load: snapshot('unload'),
  },
  {
    name: 'recover',
    synopsis: 'Make secrets again what they were at a time, or in a snapshot',
    usage: '[options] PATH...',
    about:
      'Shows what would be done with each secret of the key-value engine at PATH, and does it with -apply: as new versions, so that the present ones stay readable. A PATH that ends in a slash is a folder or a mount. What was made later is left alone. It takes the policies that reading and writing the secrets takes. A run that was cut off can be made again: what is done is not done twice.',
    examples: [
      {
        about: 'See what a folder would become:',
        line: 'recover -at=2026-11-22T09:30:00Z secret/shop/',
      },
      { about: 'Do it:', line: 'recover -apply -at=2026-11-22T09:30:00Z secret/shop/' },
      {
        about: 'Bring back a secret that is gone with its versions:',
        line: 'recover -apply -snapshot-id=2403d301-94f2-46a1-a39d-02be83e2831a secret/shop/database',
      },
    ],
    output: ['format'],
    flags: [
      { name: 'at', kind: 'text', usage: 'The time, as in 2026-11-22T09:30:00Z.' },
      {
        name: 'snapshot-id',
        kind: 'text',
        usage: 'A loaded snapshot, for what versions no longer hold; alone it is also the time.',
      },
      { name: 'apply', kind: 'boolean', usage: 'Do it. Without it nothing is changed.' },
      {
        name: 'all',
        kind: 'boolean',
        usage: 'Every mount of the key-value engine in the namespace.',
      },
      {
        name: 'mount',
        kind: 'text',
        usage: 'Where the engine is mounted; PATH is then the key or folder alone.',
      },
      { name: 'verbose', kind: 'boolean', usage: 'Show also what stays as it is.' },
    ],
    takes: { min: 0 },
    load: async () => (await import('../commands/recover.ts')).recover,
  },
];
