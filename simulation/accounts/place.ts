/** A real target whose accounts are made, taken back and rotated while the server is killed. One file per kind in `places/`. */

/** A request that configures the server: a path and its body. */
export type Setting = readonly [path: string, body: Readonly<Record<string, unknown>>];

/** What the engine calls the same things: the paths of one connection, one dynamic and one static role. */
export interface EnginePaths {
  readonly creds: string;
  readonly rotateRole: string;
  readonly readRole: string;
  readonly rotateRoot: string;
}

export interface AccountPlace {
  /** Mounts and configures the engine, with an account of its own to manage others by: its password is rotated too. */
  readonly settings: readonly Setting[];
  readonly paths: EnginePaths;
  /** Of the engine that rotates a stored secret, with another managing account. */
  readonly rotator: { readonly name: string; readonly settings: Readonly<Record<string, unknown>> };
  /** The account of the static role, and one of those that the rotated secret takes turns with. */
  readonly fixed: string;
  readonly turn: string;
  /** Names of the accounts that were made for leases. */
  lent(): Promise<ReadonlySet<string>>;
  /** Under the name that the server tells. */
  logsIn(user: string, password: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** Accounts with fixed names, and the password that they begin with. */
export const FIXED_ACCOUNTS = ['fixed', 'turn_a', 'turn_b'] as const;
export const FIXED_PASSWORD = 'turn-pass';
/** Those who manage: one for the engine, whose password becomes unknown, one for the rotation. */
export const KEEPERS = ['root_keeper', 'turn_keeper'] as const;
export const KEEPER_PASSWORD = 'keeper-pass';

export interface DatabaseKind {
  readonly plugin: string;
  readonly rotator: string;
  /** How the database is reached, without the account. */
  readonly address: Readonly<Record<string, unknown>>;
  readonly creationStatements: string;
}

/** What all places of the database engine have in common. */
export function databasePlace(
  { plugin, rotator, address, creationStatements }: DatabaseKind,
  rest: Pick<AccountPlace, 'lent' | 'logsIn' | 'stop'>,
): AccountPlace {
  const [root, turn] = KEEPERS.map((username) => ({ username, password: KEEPER_PASSWORD }));
  return {
    settings: [
      ['sys/mounts/db', { type: 'database' }],
      ['db/config/at', { plugin_name: plugin, ...address, ...root, allowed_roles: '*' }],
      [
        'db/roles/r',
        {
          db_name: 'at',
          creation_statements: creationStatements,
          default_ttl: '1h',
          max_ttl: '24h',
        },
      ],
      ['db/static-roles/s', { db_name: 'at', username: 'fixed', rotation_period: '24h' }],
    ],
    paths: {
      creds: 'db/creds/r',
      rotateRole: 'db/rotate-role/s',
      readRole: 'db/static-creds/s',
      rotateRoot: 'db/rotate-root/at',
    },
    rotator: {
      name: rotator,
      settings: { ...address, ...turn, accounts: ['turn_a', 'turn_b'] },
    },
    fixed: 'fixed',
    turn: 'turn_a',
    ...rest,
  };
}

/** What drivers say in `code`; '' when they say nothing. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
