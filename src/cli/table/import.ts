/** Commands that bring data from elsewhere. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const COMMON: readonly Flag[] = [
  { name: 'dry-run', kind: 'boolean', usage: 'Write nothing: print what would be done.' },
  {
    name: 'on-conflict',
    kind: 'text',
    default: 'fail',
    complete: ['skip', 'overwrite', 'fail'],
    usage:
      'What to do where something else is there: leave it ("skip"), leave it and end with an error ("fail"), or replace it ("overwrite").',
  },
];

const MOUNT: Flag = {
  name: 'mount',
  kind: 'text',
  usage:
    'Where the engine is mounted; PATH is then the path in it. Without it PATH begins with the mount.',
};
const layout = (usual: string, usage: string): Flag => ({
  name: 'layout',
  kind: 'text',
  default: usual,
  complete: ['one', 'each', 'tree'],
  usage,
});
const DOCUMENT_LAYOUT = layout(
  'one',
  'What becomes a secret: the whole ("one"), each member below PATH ("each"), or the lowest objects, with those above as folders ("tree").',
);

type FileImport = 'importAws' | 'importEnv' | 'importJson' | 'importYaml' | 'importFolder';
const files =
  (name: FileImport): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/import/files/import-files.ts'))[name];

export const IMPORT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'import',
    synopsis: 'Bring in what is elsewhere',
    about:
      'Reads another server, or files, and writes what it finds to this one. What is there already is passed over, so that every import can be run again.',
    examples: [
      {
        about: 'See what would come from a Vault:',
        line: 'import vault -dry-run -source-token-file=token.txt https://vault.example.com:8200',
      },
    ],
  },
  {
    name: 'import vault',
    synopsis: 'Bring in a running Vault, OpenBao or Strongroom',
    usage: '[options] ADDRESS',
    about:
      'Reads the server at ADDRESS through its API and writes here: namespaces, policies, key-value engines with every version of every secret, auth methods with their roles, entities and groups. It only reads there. What no server hands out (tokens, leases, passwords, secret ids, the keys of other engines) is listed.\n\nVersions keep their numbers, times and states. That needs "sudo" on the import/ path of each engine here.',
    examples: [
      {
        about: 'See the plan:',
        line: 'import vault -dry-run -source-token-file=token.txt https://vault.example.com:8200',
      },
      {
        about: 'Carry the secrets of one engine alone:',
        line: 'import vault -only=mounts,secrets -mount=secret https://vault.example.com:8200',
      },
    ],
    output: ['format'],
    flags: [
      ...COMMON,
      {
        name: 'only',
        kind: 'list',
        complete: ['namespaces', 'policies', 'mounts', 'secrets', 'auth', 'identity'],
        usage: 'Sections to carry, separated by commas. All of them by default.',
      },
      {
        name: 'mount',
        kind: 'list',
        usage: 'Key-value engine to carry, with its namespace before it. May be repeated.',
      },
      {
        name: 'rate',
        kind: 'integer',
        default: '100',
        usage: 'Most requests per second to the source; 0 for no limit.',
      },
      {
        name: 'source-token-file',
        kind: 'text',
        complete: 'file',
        usage:
          'File with the token for the source. Without it the token comes from STRONGROOM_SOURCE_TOKEN, or is asked for on the terminal.',
      },
      { name: 'source-namespace', kind: 'text', usage: 'Namespace of the source to begin with.' },
      {
        name: 'source-ca-cert',
        kind: 'text',
        complete: 'file',
        usage: 'PEM file with the certificate authority of the source.',
      },
      {
        name: 'source-client-cert',
        kind: 'text',
        complete: 'file',
        usage: 'PEM file with the certificate to show to the source.',
      },
      {
        name: 'source-client-key',
        kind: 'text',
        complete: 'file',
        usage: 'PEM file with the key of that certificate.',
      },
      {
        name: 'source-tls-server-name',
        kind: 'text',
        usage: 'Name to expect in the certificate of the source.',
      },
      {
        name: 'source-tls-skip-verify',
        kind: 'boolean',
        usage: 'Do not check the certificate of the source.',
      },
    ],
    takes: { min: 1, max: 1 },
    load: async () => (await import('../commands/import/vault/vault.ts')).importVault,
  },
  {
    name: 'import aws',
    synopsis: 'Bring in secrets that the AWS CLI has printed',
    usage: '[options] FILE... PATH',
    about:
      'Reads what list-secrets, describe-secret, list-secret-version-ids, get-secret-value and batch-get-secret-value of Secrets Manager print, in any number of files, and writes the secrets below PATH: with their versions, ids, times, stages, tags and descriptions. A FILE may hold several answers; "-" is standard input. Needs "sudo" on the import/ path of the engine.',
    examples: [
      {
        about: 'From files that the AWS CLI has written:',
        line: 'import aws -mount=secret secrets.json values.json /',
      },
    ],
    output: ['format'],
    flags: [...COMMON, MOUNT],
    takes: { min: 2 },
    load: files('importAws'),
  },
  {
    name: 'import env',
    synopsis: 'Bring in the variables of a .env file',
    usage: '[options] FILE PATH',
    examples: [
      { about: 'All variables in one secret:', line: 'import env .env secret/shop/production' },
      { about: 'A secret for each:', line: 'import env -layout=each .env secret/shop/production' },
    ],
    output: ['format'],
    flags: [
      ...COMMON,
      layout(
        'one',
        'All variables as fields of one secret ("one"), or a secret for each ("each").',
      ),
      MOUNT,
    ],
    takes: { min: 2, max: 2 },
    load: files('importEnv'),
  },
  {
    name: 'import json',
    synopsis: 'Bring in a JSON file',
    usage: '[options] FILE PATH',
    examples: [
      {
        about: 'See which secrets it would be:',
        line: 'import json -dry-run -layout=tree shop.json secret/shop',
      },
    ],
    output: ['format'],
    flags: [...COMMON, DOCUMENT_LAYOUT, MOUNT],
    takes: { min: 2, max: 2 },
    load: files('importJson'),
  },
  {
    name: 'import yaml',
    synopsis: 'Bring in a YAML file',
    usage: '[options] FILE PATH',
    examples: [
      {
        about: 'The lowest maps as secrets:',
        line: 'import yaml -layout=tree shop.yaml secret/shop',
      },
    ],
    output: ['format'],
    flags: [...COMMON, DOCUMENT_LAYOUT, MOUNT],
    takes: { min: 2, max: 2 },
    load: files('importYaml'),
  },
  {
    name: 'import files',
    synopsis: 'Bring in the files of a folder',
    usage: '[options] FOLDER PATH',
    about:
      'Makes a secret of every file below FOLDER, text or bytes as they are, under its path there. Links are not followed.',
    examples: [
      { about: 'A folder of keys:', line: 'import files /etc/shop/keys secret/shop/keys' },
    ],
    output: ['format'],
    flags: [
      ...COMMON,
      layout(
        'each',
        'A secret for each file ("each"), or one for each folder, with its files as fields ("one").',
      ),
      MOUNT,
      { name: 'trim', kind: 'boolean', usage: 'Take the line end off the end of each text.' },
    ],
    takes: { min: 2, max: 2 },
    load: files('importFolder'),
  },
];
