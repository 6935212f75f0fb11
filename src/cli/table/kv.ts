/** Commands of the key-value engine. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const MOUNT: Flag = {
  name: 'mount',
  kind: 'text',
  usage:
    'Where the engine is mounted; KEY is then the key alone. Without it KEY begins with the mount.',
};
const CAS: Flag = {
  name: 'cas',
  kind: 'integer',
  usage: 'Write only if the current version has this number; 0 means the key must not exist yet.',
};
const VERSIONS: Flag = {
  name: 'versions',
  kind: 'list',
  usage: 'Numbers of the versions, separated by commas or given several times.',
};
const CUSTOM_METADATA: Flag = {
  name: 'custom-metadata',
  kind: 'map',
  usage: 'Note to keep with the secret, as key=value. May be repeated.',
};
const METADATA_FLAGS: readonly Flag[] = [
  { name: 'cas-required', kind: 'boolean', usage: 'Refuse writes without -cas.' },
  CUSTOM_METADATA,
  {
    name: 'delete-version-after',
    kind: 'duration',
    usage: 'Delete each version when it is this old.',
  },
  { name: 'max-versions', kind: 'integer', usage: 'How many versions to keep.' },
  MOUNT,
];

type Basic = 'get' | 'put' | 'list' | 'scan' | 'rollback' | 'enableVersioning';
const basic =
  (name: Basic): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/kv/secrets.ts'))[name];
const versions =
  (name: 'delete' | 'undelete' | 'destroy'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/kv/versions.ts'))[name];
const metadata =
  (name: 'get' | 'put' | 'patch' | 'delete'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/kv/metadata.ts'))[name];

export const KV_COMMANDS: readonly CommandRow[] = [
  {
    name: 'kv',
    synopsis: 'Work with the key-value engine',
    about: 'Reads and writes secrets of the key-value engine, version 1 and 2.',
    examples: [
      {
        about: 'Store a secret:',
        line: 'kv put -mount=secret shop/database user=app password=@password.txt',
      },
      {
        about: 'Change one of its fields:',
        line: 'kv patch -mount=secret shop/database user=shop',
      },
      {
        about: 'Read it, or one field of it:',
        line: 'kv get -mount=secret -field=password shop/database',
      },
    ],
  },
  {
    name: 'kv get',
    synopsis: 'Read a secret',
    usage: '[options] KEY',
    examples: [
      { about: 'Read the current version:', line: 'kv get -mount=secret shop/database' },
      { about: 'Read an older one:', line: 'kv get -mount=secret -version=2 shop/database' },
    ],
    output: ['field', 'format'],
    flags: [MOUNT, { name: 'version', kind: 'integer', usage: 'Number of the version to read.' }],
    takes: { min: 1, max: 1 },
    load: basic('get'),
  },
  {
    name: 'kv put',
    synopsis: 'Write a secret, replacing all its fields',
    usage: '[options] KEY [DATA K=V...]',
    about:
      'Writes a new version that holds exactly the given fields; fields that are not given are gone from it. To change some and keep the rest, use "kv patch".',
    examples: [
      {
        about: 'Write two fields:',
        line: 'kv put -mount=secret shop/database user=app password=-',
      },
      { about: 'Write a JSON object:', line: 'kv put -mount=secret shop/database @database.json' },
      {
        about: 'Write only if nobody did in between:',
        line: 'kv put -mount=secret -cas=3 shop/database user=app',
      },
    ],
    output: ['field', 'format'],
    flags: [CAS, MOUNT],
    takes: { min: 1, expected: '>1' },
    load: basic('put'),
  },
  {
    name: 'kv patch',
    synopsis: 'Change some fields of a secret and keep the others',
    usage: '[options] KEY [DATA K=V...]',
    about:
      'Writes a new version with the given fields changed. It asks the server for a merge patch and, where the policy does not allow that, reads, changes and writes. Version 2 only.',
    examples: [
      { about: 'Change one field:', line: 'kv patch -mount=secret shop/database user=shop' },
      { about: 'Remove one:', line: 'kv patch -mount=secret -remove-data=legacy shop/database' },
    ],
    output: ['field', 'format'],
    flags: [
      {
        name: 'cas',
        kind: 'integer',
        usage: 'Change only if the current version has this number.',
      },
      {
        name: 'method',
        kind: 'text',
        complete: ['patch', 'rw'],
        usage: '"patch" for a merge patch and nothing else, "rw" to read, change and write.',
      },
      MOUNT,
      { name: 'remove-data', kind: 'list', usage: 'Field to remove. May be repeated.' },
    ],
    takes: { min: 1, expected: '>1' },
    load: async () => (await import('../commands/kv/patch.ts')).patch,
  },
  {
    name: 'kv delete',
    synopsis: 'Delete versions of a secret; they can be restored',
    usage: '[options] KEY',
    examples: [
      { about: 'Delete the current version:', line: 'kv delete -mount=secret shop/database' },
      { about: 'Delete older ones:', line: 'kv delete -mount=secret -versions=1,2 shop/database' },
    ],
    output: ['field', 'format'],
    flags: [MOUNT, VERSIONS],
    takes: { min: 1, max: 1 },
    load: versions('delete'),
  },
  {
    name: 'kv undelete',
    synopsis: 'Restore deleted versions of a secret',
    usage: '[options] KEY',
    examples: [
      { about: 'Restore a version:', line: 'kv undelete -mount=secret -versions=3 shop/database' },
    ],
    output: ['format'],
    flags: [MOUNT, VERSIONS],
    takes: { min: 1, max: 1 },
    load: versions('undelete'),
  },
  {
    name: 'kv destroy',
    synopsis: 'Remove versions of a secret for good',
    usage: '[options] KEY',
    examples: [
      { about: 'Remove a version:', line: 'kv destroy -mount=secret -versions=3 shop/database' },
    ],
    output: ['format'],
    flags: [MOUNT, VERSIONS],
    takes: { min: 1, max: 1 },
    load: versions('destroy'),
  },
  {
    name: 'kv list',
    synopsis: 'List the keys of a folder',
    usage: '[options] [PREFIX]',
    examples: [{ about: 'List a folder:', line: 'kv list -mount=secret shop/' }],
    output: ['format'],
    flags: [MOUNT],
    takes: { min: 0, max: 1, expected: '1' },
    load: basic('list'),
  },
  {
    name: 'kv scan',
    synopsis: 'List all keys of a folder and the folders below it',
    usage: '[options] [PREFIX]',
    examples: [{ about: 'See everything of a mount:', line: 'kv scan -mount=secret' }],
    output: ['format'],
    flags: [MOUNT],
    takes: { min: 0, max: 1, expected: '1' },
    load: basic('scan'),
  },
  {
    name: 'kv rollback',
    synopsis: 'Make an older version the current one',
    usage: '[options] KEY',
    about: 'Writes the fields of an older version as a new version.',
    examples: [
      {
        about: 'Go back to version 2:',
        line: 'kv rollback -mount=secret -version=2 shop/database',
      },
    ],
    output: ['field', 'format'],
    flags: [
      MOUNT,
      { name: 'version', kind: 'integer', usage: 'Number of the version to go back to.' },
    ],
    takes: { min: 0 },
    load: basic('rollback'),
  },
  {
    name: 'kv enable-versioning',
    synopsis: 'Turn a version 1 mount into version 2',
    usage: '[options] MOUNT',
    examples: [{ about: 'Start keeping versions:', line: 'kv enable-versioning secret' }],
    output: ['format'],
    takes: { min: 1, max: 1 },
    load: basic('enableVersioning'),
  },
  {
    name: 'kv tree',
    synopsis: 'Draw all keys of a mount or folder as a tree',
    usage: '[options] [PREFIX]',
    examples: [{ about: 'See everything of a mount:', line: 'kv tree secret' }],
    output: ['format'],
    flags: [MOUNT],
    takes: { min: 0, max: 1 },
    load: async () => (await import('../commands/kv/tree.ts')).tree,
  },
  {
    name: 'kv search',
    synopsis: 'Find keys by parts of their names',
    usage: '[options] WORDS [PREFIX]',
    about:
      'Prints the keys of a mount or folder whose names contain all the words, in any case. Names alone are read, never values. The exit code is 2 when nothing is found.',
    examples: [{ about: 'Find the databases of the shop:', line: "kv search 'shop db' secret" }],
    output: ['format'],
    flags: [MOUNT],
    takes: { min: 1, max: 2, expected: '1-2' },
    load: async () => (await import('../commands/kv/tree.ts')).search,
  },
  {
    name: 'kv diff',
    synopsis: 'Show which fields changed between versions of a secret',
    usage: '[options] KEY',
    about: 'Compares the current version with the one before it, or any two. Version 2 only.',
    examples: [
      { about: 'See what the last change did:', line: 'kv diff -mount=secret shop/database' },
    ],
    output: ['format'],
    flags: [
      { name: 'from', kind: 'integer', usage: 'Number of the older version.' },
      { name: 'to', kind: 'integer', usage: 'Number of the newer version.' },
      MOUNT,
      { name: 'show-values', kind: 'boolean', usage: 'Print the values too.' },
    ],
    takes: { min: 1, max: 1 },
    load: async () => (await import('../commands/kv/diff.ts')).diff,
  },
  {
    name: 'kv metadata',
    synopsis: 'Work with what is known about a secret',
    about: 'Reads and writes the settings, notes and version list of a secret. Version 2 only.',
    examples: [
      {
        about: 'See the versions of a secret:',
        line: 'kv metadata get -mount=secret shop/database',
      },
    ],
  },
  {
    name: 'kv metadata get',
    synopsis: 'Show settings, notes and versions of a secret',
    usage: '[options] KEY',
    output: ['field', 'format'],
    flags: [MOUNT],
    takes: { min: 1, max: 1 },
    load: metadata('get'),
  },
  {
    name: 'kv metadata put',
    synopsis: 'Write settings and notes of a secret',
    usage: '[options] KEY',
    examples: [
      {
        about: 'Keep ten versions:',
        line: 'kv metadata put -mount=secret -max-versions=10 -custom-metadata=owner=shop shop/database',
      },
    ],
    output: ['format'],
    flags: METADATA_FLAGS,
    takes: { min: 1, max: 1 },
    load: metadata('put'),
  },
  {
    name: 'kv metadata patch',
    synopsis: 'Change single settings or notes of a secret',
    usage: '[options] KEY',
    output: ['format'],
    flags: [
      ...METADATA_FLAGS,
      { name: 'remove-custom-metadata', kind: 'list', usage: 'Note to remove. May be repeated.' },
    ],
    takes: { min: 1, max: 1 },
    load: metadata('patch'),
  },
  {
    name: 'kv metadata delete',
    synopsis: 'Remove a secret with all its versions',
    usage: '[options] KEY',
    about: 'Removes all versions and settings of a secret. There is no way back.',
    flags: [MOUNT],
    takes: { min: 1, max: 1 },
    load: metadata('delete'),
  },
];
