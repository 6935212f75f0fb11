/** The keys of the other blocks, as data: storage, seal, audit, telemetry, user_lockout. */
import type { Decoded } from '../../base/config/key-table.ts';

export const STORAGE_KEYS = {
  inmem: {},
  sqlite: {
    path: {
      as: 'path',
      type: 'text',
      required: true,
      description:
        'Folder of the database, made when absent (mode 0700). A local disk: network file systems are refused.',
    },
  },
  postgresql: {
    connection_url: {
      as: 'connectionUrl',
      type: 'text',
      required: true,
      environment: 'PG_CONNECTION_URL',
      description:
        '`postgres://user@host:5432/database?sslmode=verify-full&sslrootcert=…&sslcert=…&sslkey=…`, or `name=value` pairs, as PostgreSQL’s own tools take them. Several hosts, separated by commas: the first that takes writes is used.',
    },
    table: {
      as: 'table',
      type: 'text',
      default: 'strongroom_kv',
      description:
        'Table of the records, with its schema before it if need be. Three more tables begin with this name.',
    },
    max_parallel: {
      as: 'connectionsMax',
      type: 'integer',
      default: 8,
      min: 3,
      description:
        'Connections of this server: one that writes, one that reads, the rest for listings and walks. More do not make it faster.',
    },
    max_connect_retries: {
      as: 'connectAttemptsMax',
      type: 'integer',
      default: 5,
      min: 1,
      description: 'How often the first connection is tried, a second apart.',
    },
    skip_create_table: {
      as: 'skipCreateTable',
      type: 'boolean',
      default: false,
      description:
        'True when the database’s owner makes the tables; the refusal of the start shows the statements.',
    },
    deadline: {
      as: 'deadlineSeconds',
      type: 'duration',
      default: 10,
      min: 1,
      description:
        'How long a request tries to reach the database before it fails; a single statement gets half of it.',
    },
    prepared_statements: {
      as: 'preparedStatements',
      type: 'boolean',
      default: true,
      description:
        'False behind a pooler that hands out sessions by transaction and keeps no named statements (PgBouncer before 1.21). It is noticed without, a little later.',
    },
    accept_weak_durability: {
      as: 'acceptWeakDurability',
      type: 'boolean',
      default: false,
      description:
        'Starts on a database whose `fsync`, `synchronous_commit` or `full_page_writes` is off, which may lose what it has acknowledged.',
    },
    max_idle_connections: { ignored: 'the connections stay open' },
    transaction_max_parallel: { ignored: 'commits share one connection and one write' },
    ha_enabled: {
      ignored: 'every server on the database answers every request; none needs a lock',
    },
    ha_table: { ignored: 'every server on the database answers every request; none needs a lock' },
  },
} as const;

const SQLITE = 'storage "sqlite" { path = "…" }';
const POSTGRESQL = 'storage "postgresql" { connection_url = "…" }';

/** Stores of Vault and OpenBao, and what to use in their place. */
export const STORAGE_INSTEAD: Readonly<Record<string, string>> = {
  file: `use ${SQLITE}: the same one machine, with transactions`,
  raft: `use ${SQLITE} on one machine, ${POSTGRESQL} for several servers`,
  consul: `use ${SQLITE} on one machine, ${POSTGRESQL} for several servers`,
  etcd: `use ${SQLITE} on one machine, ${POSTGRESQL} for several servers`,
  cockroachdb: `use ${POSTGRESQL}: it speaks the same tongue`,
  mysql: `use ${POSTGRESQL}`,
  s3: `use ${SQLITE} and copy \`strongroom operator backup\` there`,
  gcs: `use ${SQLITE} and copy \`strongroom operator backup\` there`,
  azure: `use ${SQLITE} and copy \`strongroom operator backup\` there`,
  dynamodb: `use ${SQLITE}`,
};

export type StorageConfig =
  | { readonly kind: 'inmem' }
  | ({ readonly kind: 'sqlite' } & Decoded<(typeof STORAGE_KEYS)['sqlite']>)
  | ({ readonly kind: 'postgresql' } & Decoded<(typeof STORAGE_KEYS)['postgresql']>);

export const SEAL_KEYS = {
  shamir: {},
  static: {
    current_key_id: {
      as: 'currentKeyId',
      type: 'text',
      required: true,
      description: 'Permanent name of the key.',
    },
    current_key: {
      as: 'currentKey',
      type: 'key',
      required: true,
      description:
        '32 bytes, normally from `file://` or `env://`: raw, hex or base64. `openssl rand -out unseal.key 32` makes one.',
    },
    previous_key_id: {
      as: 'previousKeyId',
      type: 'text',
      description: 'Name of the key before this one, while the seal moves to a new key.',
    },
    previous_key: {
      as: 'previousKey',
      type: 'key',
      description: 'The key before this one.',
    },
    disabled: {
      as: 'disabled',
      type: 'boolean',
      default: false,
      description: 'True while moving from this seal to another one.',
    },
  },
} as const;

const STATIC_OR_SHAMIR =
  'use seal "static" with a key that your platform injects, or none for Shamir shares';

/** Seals of Vault and OpenBao, and what to use in their place. */
export const SEAL_INSTEAD: Readonly<Record<string, string>> = Object.fromEntries(
  ['transit', 'awskms', 'azurekeyvault', 'gcpckms', 'pkcs11', 'ocikms', 'alicloudkms', 'kmip'].map(
    (name) => [name, STATIC_OR_SHAMIR],
  ),
);

export type StaticSealConfig = { readonly kind: 'static' } & Decoded<(typeof SEAL_KEYS)['static']>;
export type SealConfig = { readonly kind: 'shamir' } | StaticSealConfig;

export const AUDIT_KEYS = {
  description: {
    as: 'description',
    type: 'text',
    default: '',
    description: 'What the device is for.',
  },
  options: {
    as: 'options',
    type: 'texts',
    description:
      'Options of the device: `options { file_path = "/var/log/strongroom/audit.log" }`.',
  },
  local: { ignored: 'there is no replication' },
} as const;

export interface AuditConfig extends Decoded<typeof AUDIT_KEYS> {
  /** `file`, `syslog`, `socket`, `http`. */
  readonly type: string;
  /** Mount path, with a trailing slash. */
  readonly path: string;
  readonly where: string;
}

export const TELEMETRY_KEYS = {
  prometheus_retention_time: {
    as: 'prometheusRetentionSeconds',
    type: 'duration',
    default: 86_400,
    description: '0 switches the Prometheus form of `sys/metrics` off.',
  },
  disable_hostname: { ignored: 'no name of a gauge holds the host' },
  metrics_prefix: {
    as: 'metricsPrefix',
    type: 'text',
    default: 'vault',
    description: 'First part of every metric’s name.',
  },
  maximum_gauge_cardinality: { ignored: 'labels are bounded by themselves' },
  usage_gauge_period: { ignored: 'gauges are computed when they are asked for' },
  enable_hostname_label: { ignored: 'the collector adds the host' },
  lease_metrics_epsilon: { ignored: 'there are no lease buckets' },
  num_lease_metrics_buckets: { ignored: 'there are no lease buckets' },
  add_lease_metrics_namespace_labels: { ignored: 'there are no lease buckets' },
  filter_default: { ignored: 'the collector filters' },
  prefix_filter: { ignored: 'the collector filters' },
  statsite_address: { refused: 'let a collector read `/v1/sys/metrics`' },
  statsd_address: { refused: 'let a collector read `/v1/sys/metrics`' },
  dogstatsd_addr: { refused: 'let a collector read `/v1/sys/metrics`' },
  dogstatsd_tags: { refused: 'let a collector read `/v1/sys/metrics`' },
  circonus_api_token: { refused: 'let a collector read `/v1/sys/metrics`' },
  circonus_submission_url: { refused: 'let a collector read `/v1/sys/metrics`' },
  stackdriver_project_id: { refused: 'let a collector read `/v1/sys/metrics`' },
} as const;

export type TelemetryConfig = Decoded<typeof TELEMETRY_KEYS>;

export const USER_LOCKOUT_KEYS = {
  lockout_threshold: {
    as: 'threshold',
    type: 'integer',
    default: 5,
    min: 1,
    description: 'Failed logins after which a user is locked out.',
  },
  lockout_duration: {
    as: 'durationSeconds',
    type: 'duration',
    default: 900,
    description: 'How long.',
  },
  lockout_counter_reset: {
    as: 'counterResetSeconds',
    type: 'duration',
    default: 900,
    description: 'Time without a failure after which the count starts again.',
  },
  disable_lockout: {
    as: 'disabled',
    type: 'boolean',
    default: false,
    description: 'Never locks a user out.',
  },
} as const;

export interface UserLockoutConfig extends Decoded<typeof USER_LOCKOUT_KEYS> {
  /** `all`, or the auth method it is for: `userpass`, `ldap`, `approle`. */
  readonly method: string;
}

export const USER_LOCKOUT_METHODS = ['all', 'userpass', 'ldap', 'approle'] as const;

export const BINDING_KEYS = {
  region: {
    as: 'region',
    type: 'text',
    default: '',
    description:
      'Region (aws) or location (gcp) that the binding is for; without it every other one.',
  },
  namespace: {
    as: 'namespace',
    type: 'text',
    default: '',
    description: 'Namespace that holds the mounts and the identities.',
  },
  mount: {
    as: 'mount',
    type: 'text',
    default: 'secret/',
    description: 'KV mount (version 2) that holds the secrets.',
  },
  keys_mount: {
    as: 'keysMount',
    type: 'text',
    description: 'Transit mount that holds the keys.',
  },
  certificates_mount: {
    as: 'certificatesMount',
    type: 'text',
    description: 'PKI mount that issues certificates.',
  },
  login_mount: {
    as: 'loginMount',
    type: 'text',
    description: 'Auth mount that judges web identities: `auth/kubernetes/`, `auth/jwt/`.',
  },
  recovery_days: {
    as: 'recoveryDays',
    type: 'integer',
    default: 90,
    description: 'azure: for how many days a deleted object can be recovered, 7 to 90.',
  },
  purge_protection: {
    as: 'purgeProtection',
    type: 'boolean',
    default: false,
    description: 'azure: nobody may remove a deleted object for good before its time.',
  },
} as const;

export interface BindingConfig extends Decoded<typeof BINDING_KEYS> {
  /** `aws`, `azure`, `gcp`. */
  readonly protocol: string;
  /** Account, host of the vault, project. */
  readonly name: string;
  readonly where: string;
}
