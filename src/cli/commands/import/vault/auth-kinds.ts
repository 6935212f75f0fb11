/** What auth methods keep, as data: where it is read, what it takes to be written, and what stays behind. */

export interface Collection {
  /** Where the names are listed, and below which path each lies. */
  readonly list: string;
  readonly item: string;
  /** What is called so in the plan. */
  readonly what: string;
  /** Parts of an item that lie below it and are read and written alone. */
  readonly parts?: readonly string[];
  /** Below each item: a list of what cannot be carried. */
  readonly lostList?: { readonly path: string; readonly what: string };
  /** An item cannot be made without this field, which is never shown: a random one, that nobody learns, stands in. */
  readonly stand?: { readonly field: string; readonly lost: string };
}

export interface AuthKind {
  readonly configs: readonly string[];
  readonly collections: readonly Collection[];
  /** Fields that a configuration takes and never shows. */
  readonly unreadable: readonly string[];
  /** One of them, without which no configuration is taken: a random one, that nobody learns, stands in. */
  readonly stand?: string;
}

const ROLES: Collection = { list: 'role', item: 'role', what: 'role' };
const CEL_ROLES: Collection = { list: 'cel/role', item: 'cel/role', what: 'role in CEL' };

export const AUTH_KINDS: ReadonlyMap<string, AuthKind> = new Map(
  Object.entries({
    approle: {
      configs: [],
      collections: [
        {
          ...ROLES,
          parts: ['role-id'],
          lostList: { path: 'secret-id', what: 'secret ids: issue new ones' },
        },
      ],
      unreadable: [],
    },
    userpass: {
      configs: [],
      collections: [
        {
          list: 'users',
          item: 'users',
          what: 'user',
          stand: { field: 'password', lost: 'the password: set a new one' },
        },
      ],
      unreadable: [],
    },
    jwt: {
      configs: ['config'],
      collections: [ROLES, CEL_ROLES],
      unreadable: ['oidc_client_secret'],
    },
    oidc: {
      configs: ['config'],
      collections: [ROLES, CEL_ROLES],
      unreadable: ['oidc_client_secret'],
    },
    kubernetes: {
      configs: ['config'],
      collections: [ROLES],
      unreadable: ['token_reviewer_jwt'],
    },
    cert: {
      configs: ['config'],
      collections: [{ list: 'certs', item: 'certs', what: 'certificate' }],
      unreadable: [],
    },
    ldap: {
      configs: ['config'],
      collections: [
        { list: 'users', item: 'users', what: 'user' },
        { list: 'groups', item: 'groups', what: 'group' },
      ],
      unreadable: ['bindpass', 'client_tls_key'],
    },
    aws: {
      configs: ['config/client', 'config/identity'],
      collections: [{ list: 'roles', item: 'role', what: 'role' }],
      unreadable: ['secret_key'],
    },
    azure: {
      configs: ['config'],
      collections: [ROLES],
      unreadable: ['client_secret'],
    },
    gcp: {
      configs: ['config'],
      collections: [{ list: 'roles', item: 'role', what: 'role' }],
      unreadable: ['credentials'],
    },
    radius: {
      configs: ['config'],
      collections: [{ list: 'users', item: 'users', what: 'user' }],
      unreadable: ['secret'],
      stand: 'secret',
    },
    token: {
      configs: [],
      collections: [{ list: 'roles', item: 'roles', what: 'role' }],
      unreadable: [],
    },
  }),
);

/** Shown, but not taken by a write. */
export const SHOWN_ONLY: ReadonlySet<string> = new Set([
  'status',
  'name',
  'role_id',
  'use_pre111_group_cn_behavior',
]);
/** Older names of `token_…`, shown beside them. */
export const OLD_NAMES: readonly string[] = [
  'policies',
  'ttl',
  'max_ttl',
  'period',
  'bound_cidrs',
  'num_uses',
  'explicit_max_ttl',
];
