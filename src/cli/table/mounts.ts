/** Secrets engines, auth methods and audit devices. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const DETAILED: Flag = { name: 'detailed', kind: 'boolean', usage: 'Show settings too.' };
const AUDIT_KEYS = 'in the audit log as it is, instead of hashed. May be repeated.';

/** Settings that enable and tune share. */
const TUNABLE: readonly Flag[] = [
  {
    name: 'allowed-managed-keys',
    kind: 'list',
    usage: 'Managed key the mount may use. May be repeated.',
  },
  {
    name: 'allowed-response-headers',
    kind: 'list',
    usage: 'Header the mount may set in answers. May be repeated.',
  },
  {
    name: 'audit-non-hmac-request-keys',
    kind: 'list',
    usage: `Field of requests that shows ${AUDIT_KEYS}`,
  },
  {
    name: 'audit-non-hmac-response-keys',
    kind: 'list',
    usage: `Field of answers that shows ${AUDIT_KEYS}`,
  },
  {
    name: 'default-lease-ttl',
    kind: 'duration',
    usage: 'Life of leases when nobody asks for another; "system" for the setting of the server.',
  },
  { name: 'description', kind: 'text', usage: 'What the mount is for.' },
  {
    name: 'listing-visibility',
    kind: 'text',
    complete: ['unauth', 'hidden'],
    usage: 'Whether those who are not logged in see the mount.',
  },
  {
    name: 'max-lease-ttl',
    kind: 'duration',
    usage: 'Longest life of leases; "system" for the setting of the server.',
  },
  { name: 'options', kind: 'map', usage: 'Option of the engine, as key=value. May be repeated.' },
  {
    name: 'passthrough-request-headers',
    kind: 'list',
    usage: 'Header of requests that the mount gets to see. May be repeated.',
  },
  { name: 'plugin-version', kind: 'text', usage: 'Version of the plugin.' },
  { name: 'version', kind: 'integer', usage: 'Version of the engine, where it has several.' },
];
const ENABLE_ONLY: readonly Flag[] = [
  {
    name: 'external-entropy-access',
    kind: 'boolean',
    usage: 'Let the mount use outside randomness.',
  },
  { name: 'local', kind: 'boolean', usage: 'Do not replicate the mount.' },
  { name: 'path', kind: 'text', usage: 'Where to mount it, if not at the name of its type.' },
  { name: 'plugin-name', kind: 'text', usage: 'Name of the plugin when TYPE is "plugin".' },
  { name: 'seal-wrap', kind: 'boolean', usage: 'Also encrypt critical values with the seal.' },
];
const TOKEN_TYPE: Flag = {
  name: 'token-type',
  kind: 'text',
  complete: ['default-service', 'default-batch', 'service', 'batch'],
  usage: 'Kind of tokens the method gives out.',
};
const LOCKOUT: readonly Flag[] = [
  {
    name: 'user-lockout-threshold',
    kind: 'integer',
    usage: 'Failed logins after which a user is locked out.',
  },
  { name: 'user-lockout-duration', kind: 'duration', usage: 'How long a user stays locked out.' },
  {
    name: 'user-lockout-counter-reset-duration',
    kind: 'duration',
    usage: 'How long failed logins count.',
  },
  { name: 'user-lockout-disable', kind: 'boolean', usage: 'Lock nobody out.' },
];

type Verb = 'list' | 'enable' | 'disable' | 'tune' | 'move';
const secrets =
  (verb: Verb): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/mounts/mounts.ts')).secretsCommands[verb];
const auth =
  (verb: Verb): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/mounts/mounts.ts')).authCommands[verb];
const audit =
  (name: 'list' | 'enable' | 'disable'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/mounts/audit.ts'))[name];

export const MOUNT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'secrets',
    synopsis: 'Work with secrets engines',
    examples: [
      { about: 'See what is mounted:', line: 'secrets list' },
      {
        about: 'Mount a versioned key-value engine:',
        line: 'secrets enable -path=apps -version=2 kv',
      },
    ],
  },
  {
    name: 'secrets list',
    synopsis: 'List the secrets engines',
    usage: '[options]',
    output: ['format'],
    flags: [DETAILED],
    takes: { min: 0, max: 0 },
    load: secrets('list'),
  },
  {
    name: 'secrets enable',
    synopsis: 'Mount a secrets engine',
    usage: '[options] TYPE',
    examples: [
      {
        about: 'Mount the transit engine:',
        line: 'secrets enable -description="order encryption" transit',
      },
    ],
    flags: [
      ...TUNABLE,
      ...ENABLE_ONLY,
      { name: 'force-no-cache', kind: 'boolean', usage: 'Keep nothing of the mount in memory.' },
    ],
    takes: { min: 1, max: 1 },
    load: secrets('enable'),
  },
  {
    name: 'secrets disable',
    synopsis: 'Unmount a secrets engine with all its secrets',
    usage: '[options] PATH',
    takes: { min: 1, max: 1 },
    load: secrets('disable'),
  },
  {
    name: 'secrets tune',
    synopsis: 'Change settings of a secrets engine',
    usage: '[options] PATH',
    examples: [
      { about: 'Let leases live an hour:', line: 'secrets tune -default-lease-ttl=1h database/' },
    ],
    flags: TUNABLE,
    takes: { min: 1, max: 1 },
    load: secrets('tune'),
  },
  {
    name: 'secrets move',
    synopsis: 'Move a secrets engine to another path',
    usage: '[options] FROM TO',
    takes: { min: 2, max: 2 },
    load: secrets('move'),
  },
  {
    name: 'auth',
    synopsis: 'Work with auth methods',
    examples: [
      { about: 'See how people can log in:', line: 'auth list' },
      { about: 'Let programs log in:', line: 'auth enable approle' },
    ],
  },
  {
    name: 'auth list',
    synopsis: 'List the auth methods',
    usage: '[options]',
    output: ['format'],
    flags: [DETAILED],
    takes: { min: 0, max: 0 },
    load: auth('list'),
  },
  {
    name: 'auth enable',
    synopsis: 'Mount an auth method',
    usage: '[options] TYPE',
    examples: [{ about: 'Mount one at a path of its own:', line: 'auth enable -path=ci jwt' }],
    flags: [
      ...TUNABLE.filter((flag) => flag.name !== 'allowed-managed-keys'),
      ...ENABLE_ONLY,
      TOKEN_TYPE,
    ],
    takes: { min: 1, max: 1 },
    load: auth('enable'),
  },
  {
    name: 'auth disable',
    synopsis: 'Unmount an auth method and end its tokens',
    usage: '[options] PATH',
    takes: { min: 1, max: 1 },
    load: auth('disable'),
  },
  {
    name: 'auth tune',
    synopsis: 'Change settings of an auth method',
    usage: '[options] PATH',
    flags: [
      ...TUNABLE.filter((flag) => flag.name !== 'allowed-managed-keys'),
      TOKEN_TYPE,
      ...LOCKOUT,
    ],
    takes: { min: 1, max: 1 },
    load: auth('tune'),
  },
  {
    name: 'auth move',
    synopsis: 'Move an auth method to another path',
    usage: '[options] FROM TO',
    takes: { min: 2, max: 2 },
    load: auth('move'),
  },
  {
    name: 'auth help',
    synopsis: 'Tell how to log in with a method',
    usage: '[options] TYPE | PATH',
    takes: { min: 1, max: 1 },
    load: async () => (await import('../commands/mounts/auth-help.ts')).authHelp,
  },
  {
    name: 'audit',
    synopsis: 'Work with audit devices',
    examples: [
      {
        about: 'Write an audit log to a file:',
        line: 'audit enable file file_path=/var/log/strongroom/audit.log',
      },
      {
        about: 'Check that nobody touched it:',
        line: 'audit verify /var/log/strongroom/audit.log',
      },
      {
        about: 'Give it to a collector of CloudTrail’s records:',
        line: 'audit export -to=cloudtrail /var/log/strongroom/audit.log',
      },
    ],
  },
  {
    name: 'audit list',
    synopsis: 'List the audit devices',
    usage: '[options]',
    output: ['format'],
    flags: [DETAILED],
    takes: { min: 0, max: 0 },
    load: audit('list'),
  },
  {
    name: 'audit enable',
    synopsis: 'Add an audit device',
    usage: '[options] TYPE [CONFIG K=V...]',
    flags: [
      { name: 'description', kind: 'text', usage: 'What the device is for.' },
      { name: 'local', kind: 'boolean', usage: 'Do not replicate the device.' },
      { name: 'path', kind: 'text', usage: 'Name of the device, if not that of its type.' },
    ],
    takes: { min: 0 },
    load: audit('enable'),
  },
  {
    name: 'audit disable',
    synopsis: 'Remove an audit device',
    usage: '[options] PATH',
    takes: { min: 1, max: 1 },
    load: audit('disable'),
  },
  {
    name: 'audit verify',
    synopsis: 'Check audit logs for tampering',
    usage: '[options] FILE...',
    about:
      'Checks that the records of audit log files are complete, in order and unchanged. The exit code is 0 when they are, 2 when they are not.',
    flags: [
      {
        name: 'allow-restarts',
        kind: 'boolean',
        usage: 'The log begins anew at each start of the server, as one of standard output does.',
      },
      {
        name: 'expect',
        kind: 'text',
        usage: 'Line that the log must hold, as SEQ:HASH, known from an earlier check.',
      },
      {
        name: 'key',
        kind: 'list',
        usage:
          'Public key of the log in base64, known from elsewhere. Without one the log vouches only for itself. May be repeated.',
      },
    ],
    takes: { min: 1, expected: 'at least 1' },
    output: ['format'],
    local: true,
    load: async () => (await import('../commands/mounts/audit-verify.ts')).auditVerify,
  },
  {
    name: 'audit export',
    synopsis: 'Write audit logs in the format of a collector',
    usage: '-to=FORMAT FILE...',
    about:
      'Writes one event for each answered request of audit log files, in their order, to standard output. Values stay hashed. The log that counts is the native one: the others hold less, and no chain. The exit code is 2 when lines were left out because they are no records.',
    flags: [
      {
        name: 'to',
        kind: 'text',
        usage:
          'cloudtrail (one document of records), ocsf, ecs, cef, otlp or rfc5424 (a line for each).',
      },
    ],
    takes: { min: 1, expected: 'at least 1' },
    local: true,
    load: async () => (await import('../commands/mounts/audit-export.ts')).auditExport,
  },
];
