/** Commands that run on this machine: the server, and what concerns the command line itself. */
import type { CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

export const LOG_FLAGS: readonly Flag[] = [
  {
    name: 'log-level',
    kind: 'text',
    variable: 'LOG_LEVEL',
    complete: ['trace', 'debug', 'info', 'warn', 'error'],
    usage: 'How much to log.',
  },
  {
    name: 'log-format',
    kind: 'text',
    variable: 'LOG_FORMAT',
    complete: ['standard', 'json'],
    usage: 'How log lines look.',
  },
];

/** Flags that other servers know and that mean nothing here; start scripts still pass them. */
const IGNORED_FLAGS: readonly Flag[] = [
  ...[
    'exit-on-core-shutdown',
    'recovery',
    'dev-ha',
    'dev-leased-kv',
    'dev-auto-seal',
    'dev-skip-init',
    'dev-three-node',
    'dev-plugin-init',
    'combine-logs',
    'disable-gated-logs',
    'test-verify-only',
    'test-server-config',
    'dev-transactional',
  ].map((name): Flag => ({ name, kind: 'boolean', hidden: true, usage: '' })),
  ...[
    'dev-plugin-dir',
    'dev-cluster-json',
    'log-file',
    'log-rotate-duration',
    'log-rotate-bytes',
    'log-rotate-max-files',
    'dev-latency',
    'dev-latency-jitter',
  ].map((name): Flag => ({ name, kind: 'text', hidden: true, usage: '' })),
];

export const LOCAL_COMMANDS: readonly CommandRow[] = [
  {
    name: 'server',
    synopsis: 'Start a server',
    usage: '[options]',
    about:
      'Starts a server from configuration files, or with -dev one that keeps everything in memory, is unsealed and is only for trying things out.',
    examples: [
      {
        about: 'Start with a configuration file:',
        line: 'server -config=/etc/strongroom/strongroom.hcl',
      },
      { about: 'Start one to play with:', line: 'server -dev -dev-root-token-id=root' },
    ],
    flags: [
      {
        name: 'config',
        kind: 'list',
        variable: 'CONFIG_PATH',
        complete: 'file',
        usage:
          'Configuration file, or folder whose .hcl and .json files are read. May be repeated.',
      },
      { name: 'dev', kind: 'boolean', usage: 'Keep everything in memory and start unsealed.' },
      {
        name: 'dev-root-token-id',
        kind: 'text',
        variable: 'DEV_ROOT_TOKEN_ID',
        usage: 'Root token of a -dev server; otherwise a random one.',
      },
      {
        name: 'dev-listen-address',
        kind: 'text',
        variable: 'DEV_LISTEN_ADDRESS',
        default: '127.0.0.1:8200',
        usage: 'Where a -dev server listens.',
      },
      {
        name: 'dev-no-store-token',
        kind: 'boolean',
        usage: 'Do not keep the root token of a -dev server for later commands.',
      },
      {
        name: 'dev-tls',
        kind: 'boolean',
        usage: 'Like -dev, with TLS and a certificate made for it.',
      },
      {
        name: 'dev-tls-cert-dir',
        kind: 'text',
        complete: 'folder',
        usage: 'Where to put the certificate of -dev-tls; otherwise a temporary folder.',
      },
      {
        name: 'dev-tls-san',
        kind: 'list',
        usage: 'Another name for the certificate of -dev-tls. May be repeated.',
      },
      { name: 'dev-kv-v1', kind: 'boolean', hidden: true, usage: '' },
      ...LOG_FLAGS,
      ...IGNORED_FLAGS,
    ],
    takes: { min: 0, max: 0 },
    local: true,
    load: async () => (await import('../commands/server.ts')).server,
  },
  {
    name: 'start',
    synopsis: 'Start a first server that keeps its data',
    usage: '[options]',
    about:
      'Starts a server on the embedded store, unsealed and with an example secret, and prints how to reach it. Running it again continues with the same data.',
    examples: [
      { about: 'Start in a folder of your own:', line: 'start -data=/var/lib/strongroom' },
    ],
    flags: [
      {
        name: 'data',
        kind: 'text',
        complete: 'folder',
        default: './strongroom-data',
        usage: 'Folder that keeps the data.',
      },
      {
        name: 'listen',
        kind: 'text',
        default: '127.0.0.1:8200',
        usage: 'Where to listen, as host:port.',
      },
      ...LOG_FLAGS,
    ],
    takes: { min: 0, max: 0 },
    local: true,
    load: async () => (await import('../commands/server.ts')).start,
  },
  {
    name: 'version',
    synopsis: 'Print the version of this program',
    usage: '',
    about: 'Prints the version of this program; "status" prints that of the server.',
    // Other programs of that name take them and print the same.
    flags: ['format', 'field'].map((name): Flag => ({
      name,
      kind: 'text',
      hidden: true,
      usage: '',
    })),
    takes: { min: 0 },
    local: true,
    load: async () => (await import('../commands/version.ts')).version,
  },
  {
    name: 'completion',
    synopsis: 'Print a completion script for a shell',
    usage: 'bash|zsh|fish',
    about: 'Prints a script that lets the shell complete commands, flags and values.',
    examples: [
      {
        about: 'Use it in this shell:',
        line: 'completion bash > ~/.strongroom-completion && . ~/.strongroom-completion',
      },
      { about: 'Install it for good:', line: '-autocomplete-install' },
    ],
    takes: { min: 1, max: 1 },
    local: true,
    load: async () => (await import('../commands/completion.ts')).completion,
  },
  {
    name: 'help',
    synopsis: 'Explain a command',
    usage: '[COMMAND]',
    examples: [{ about: 'Learn about a command:', line: 'help kv put' }],
    takes: { min: 0 },
    local: true,
    load: async () => (await import('../commands/help.ts')).help,
  },
];
