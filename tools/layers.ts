/**
 * The import table: which room of `src/` may import which. It is data, enforced by tools/imports.ts and shown by ARCHITECTURE.md.
 *
 * A room may always import itself. A family is a room whose interface lies at its top and whose members are its folders:
 * other rooms see the top only, members never see each other, and only `server` names a member.
 */

export interface Layer {
  readonly room: string;
  readonly purpose: string;
  /** Rooms it may import; `'*'` = all. */
  readonly mayImport: readonly string[] | '*';
  /** Rooms it may reach by `import()` only, so that they are loaded when they are used. */
  readonly mayLoadLate?: readonly string[];
  readonly family?: true;
  /** npm packages it may import; without this none. Type-only imports count too. */
  readonly packages?: readonly string[];
}

export const LAYERS: readonly Layer[] = [
  {
    room: 'base',
    purpose: 'time, randomness, bytes, encodings, JSON, HCL, logs: would make sense in any program',
    mayImport: [],
  },
  {
    room: 'crypto',
    purpose: 'AEAD, key derivation, Shamir, signatures: primitives, each with its vectors',
    mayImport: ['base'],
    packages: ['@noble/curves', '@peculiar/x509'],
  },
  {
    room: 'storage',
    purpose: 'storage.ts: bytes under keys, untrusted; one folder per store',
    mayImport: ['base'],
    family: true,
    packages: ['pg'],
  },
  {
    room: 'model',
    purpose: 'the shared vocabulary: Request, Reply, Path, Field, error codes; no I/O',
    mayImport: ['base', 'storage'],
  },
  {
    room: 'seal',
    purpose: 'seal.ts: where the root key comes from, unsealing and rekeying; one folder per seal',
    mayImport: ['base', 'crypto', 'model', 'storage', 'barrier'],
    family: true,
  },
  {
    room: 'barrier',
    purpose: 'the only place where plaintext becomes ciphertext: keyring, rotation, prefixed views',
    mayImport: ['base', 'crypto', 'model', 'storage'],
  },
  {
    room: 'policy',
    purpose: 'parse and decide: pure functions from (policies, path, operation) to allow or deny',
    mayImport: ['base', 'model'],
  },
  {
    room: 'identity',
    purpose: 'entities, aliases and groups',
    mayImport: ['base', 'crypto', 'model', 'storage'],
  },
  {
    room: 'tokens',
    purpose: 'what a login becomes: issue, look up, renew, revoke',
    mayImport: ['base', 'crypto', 'model', 'storage', 'leases'],
  },
  {
    room: 'leases',
    purpose: 'what a dynamic secret becomes: registry, expiry, renewal, revocation',
    mayImport: ['base', 'crypto', 'model', 'storage'],
  },
  {
    room: 'ldap',
    purpose: 'a connection to a directory, and what names and filters are like there',
    mayImport: ['base'],
    packages: ['ldapts'],
  },
  {
    room: 'calendar',
    purpose: 'when recurring work is due: periods, cron schedules, windows, time zones',
    mayImport: [],
    packages: ['croner'],
  },
  {
    room: 'snapshots',
    purpose:
      'copies of the whole store: their form, when they are made, where they go; one folder per kind of destination',
    mayImport: ['base', 'crypto', 'model', 'storage', 'barrier', 'calendar'],
    family: true,
  },
  {
    room: 'targets',
    purpose: 'systems outside whose accounts are managed from here; one folder per wire protocol',
    mayImport: ['base', 'crypto'],
    family: true,
    packages: ['pg', 'mysql2', 'ioredis', 'mongodb'],
  },
  {
    room: 'rotators',
    purpose:
      'rotator.ts: how the value of a secret is renewed where it is used; one folder per way',
    mayImport: ['base', 'crypto', 'model', 'targets', 'ldap'],
    family: true,
  },
  {
    room: 'engines',
    purpose: 'one folder per secrets engine',
    mayImport: ['base', 'crypto', 'model', 'targets', 'calendar', 'rotators', 'ldap'],
    family: true,
    packages: ['uqr', 'yaml'],
  },
  {
    room: 'pages',
    purpose: 'what pages for browsers are made of: markup that escapes, one style, headers',
    mayImport: [],
  },
  {
    room: 'auth',
    purpose: 'one folder per auth method',
    mayImport: ['base', 'crypto', 'model', 'ldap', 'pages'],
    family: true,
    packages: ['yaml', '@bufbuild/cel', '@bufbuild/protobuf'],
  },
  {
    room: 'audit',
    purpose: 'broker, redaction, chain and verifier; one folder per device',
    mayImport: ['base', 'crypto', 'model'],
    family: true,
  },
  {
    room: 'core',
    purpose: 'the pipeline table, mounts, namespaces and routing: turns one call into one answer',
    mayImport: [
      'base',
      'crypto',
      'model',
      'storage',
      'seal',
      'barrier',
      'policy',
      'identity',
      'tokens',
      'leases',
      'audit',
    ],
  },
  {
    room: 'system',
    purpose: '`sys/*` and `auth/token/*` as ordinary paths, one file per resource',
    mayImport: [
      'base',
      'crypto',
      'model',
      'storage',
      'barrier',
      'seal',
      'policy',
      'identity',
      'tokens',
      'leases',
      'audit',
      'calendar',
      'snapshots',
      'core',
    ],
  },
  {
    room: 'facades',
    purpose: 'one wire protocol per folder, to and from the core’s call and answer',
    mayImport: ['base', 'crypto', 'model', 'core', 'pages'],
    family: true,
  },
  {
    room: 'http',
    purpose:
      'listeners: TLS, limits, timeouts, the LIST verb, which host or path goes to which facade',
    mayImport: ['base', 'facades'],
  },
  {
    room: 'server',
    purpose: 'composition root: reads the configuration, picks concrete members, starts and stops',
    mayImport: '*',
  },
  {
    room: 'client',
    purpose: 'the SDK; imports nothing of the server',
    mayImport: [],
  },
  {
    room: 'agent',
    purpose:
      'runs beside a program: logs in, keeps tokens alive, renders secrets into files and environments, passes requests on',
    mayImport: ['base', 'client', 'http', 'facades'],
    packages: ['yaml'],
  },
  {
    room: 'cli',
    purpose: 'the command line, one file per command',
    mayImport: ['base', 'client'],
    mayLoadLate: ['server', 'agent', 'audit', 'policy', 'crypto'],
    packages: ['yaml'],
  },
];

/** Folders beside `src/`, and the rooms and other such folders they may import. Nothing in `src/` imports them. */
export const OUTSIDE: Readonly<Record<string, readonly string[] | '*'>> = {
  tools: '*',
  rig: [],
  bench: ['rig', 'base', 'crypto', 'storage', 'barrier', 'server'],
  deploy: ['rig', 'base', 'audit', 'conformance', 'server'],
  conformance: ['rig', 'base', 'crypto', 'engines', 'audit', 'seal', 'server', 'storage'],
  // Its deterministic part puts the whole core on simulated doors.
  simulation: '*',
  security: '*',
};

/** Rooms whose members a test of any room may name, to run on the real thing. */
export const TESTS_MAY_NAME_MEMBERS_OF: readonly string[] = [
  'crypto',
  'storage',
  'seal',
  'audit',
  'barrier',
  'engines',
  'targets',
  'core',
];
