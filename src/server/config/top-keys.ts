/** The keys outside any block, as data: decoding and docs/configuration.md derive from this table. */
import type { Decoded } from '../../base/config/key-table.ts';

export const TOP_KEYS = {
  api_addr: {
    as: 'apiAddress',
    type: 'text',
    environment: 'API_ADDR',
    description:
      'Full URL under which clients reach this server, as `sys/leader` and redirects name it. Default: the first listener.',
  },
  cluster_addr: {
    as: 'clusterAddress',
    type: 'text',
    environment: 'CLUSTER_ADDR',
    description: 'URL that `sys/leader` names as the cluster address. Nothing listens there.',
  },
  cluster_name: {
    as: 'clusterName',
    type: 'text',
    environment: 'CLUSTER_NAME',
    description: 'Name of the cluster; generated when the server is initialised, if absent.',
  },
  log_level: {
    as: 'logLevel',
    type: 'text',
    default: 'info',
    allowed: ['trace', 'debug', 'info', 'warn', 'error'],
    environment: 'LOG_LEVEL',
    description: 'Least severe level that is logged; read again on SIGHUP.',
  },
  log_format: {
    as: 'logFormat',
    type: 'text',
    default: 'standard',
    allowed: ['standard', 'json'],
    environment: 'LOG_FORMAT',
    description: 'Form of a log line.',
  },
  log_file: {
    as: 'logFile',
    type: 'text',
    environment: 'LOG_FILE',
    description: 'File that gets a copy of the log; opened again on SIGHUP.',
  },
  default_lease_ttl: {
    as: 'defaultLeaseTtlSeconds',
    type: 'duration',
    default: 2_764_800,
    min: 1,
    description: 'Lease of a token or secret that asks for none.',
  },
  max_lease_ttl: {
    as: 'maxLeaseTtlSeconds',
    type: 'duration',
    default: 2_764_800,
    min: 1,
    description: 'Longest lease of a token or secret; a mount may be tuned to another one.',
  },
  default_max_request_duration: {
    as: 'maxRequestDurationSeconds',
    type: 'duration',
    default: 90,
    min: 1,
    description: 'A request that takes longer is cancelled; a listener may set its own.',
  },
  unsafe_allow_api_audit_creation: {
    as: 'allowApiAuditCreation',
    type: 'boolean',
    default: false,
    description:
      'Lets `sys/audit` create audit devices. Off, they come from the `audit` blocks only: who may call `sys/audit` could write files otherwise.',
  },
  raw_storage_endpoint: {
    as: 'rawStorage',
    type: 'boolean',
    default: false,
    description:
      'Serves `sys/raw`, which reads and writes stored records past every check; for repairs only.',
  },
  rotation_program_directory: {
    as: 'rotationPrograms',
    type: 'text',
    description:
      'The only folder whose programs the rotation of secrets may call. Without it none: who may write a rotation policy could run what lies there.',
  },
  snapshot_directory: {
    as: 'snapshotDirectory',
    type: 'text',
    description:
      'The only folder below which automatic snapshots may be put. Without it they go to object storage or nowhere: who may write a schedule could write files otherwise.',
  },
  snapshot_work_directory: {
    as: 'snapshotWorkDirectory',
    type: 'text',
    description:
      'Folder (mode 0700) that holds copies of the store while they are made, sent, tested and read. Default: the data folder of `storage "sqlite"`, else one of the process in the system’s folder for temporary files.',
  },
  ui: {
    as: 'pages',
    type: 'boolean',
    default: true,
    description:
      'Serves the pages for browsers below `/ui/`: signing in, applications that sign people in here, approvals.',
  },
  enable_response_header_hostname: {
    as: 'responseHeaderHostname',
    type: 'boolean',
    default: false,
    description: 'Adds `X-Vault-Hostname` to every reply.',
  },
  pid_file: {
    as: 'pidFile',
    type: 'text',
    description: 'File that holds the process id while the server runs.',
  },
  disable_mlock: {
    ignored:
      'JavaScript memory cannot be locked; turn swap off or encrypt it (SECURITY.md says what that leaves)',
  },
  introspection_endpoint: { ignored: 'there is no `sys/internal/inspect`' },
  cache_size: { ignored: 'caches are bounded by themselves' },
  disable_cache: { ignored: 'caches are checked against the store on every request' },
  disable_clustering: { ignored: 'there is no cluster port' },
  disable_standby_reads: { ignored: 'there are no standby servers' },
  plugin_directory: { ignored: 'no code is ever loaded from a directory or from storage' },
  plugin_file_uid: { ignored: 'there are no plugin files' },
  plugin_file_permissions: { ignored: 'there are no plugin files' },
  detect_deadlocks: { ignored: 'there are no locks to watch' },
  imprecise_lease_role_tracking: { ignored: 'leases are counted exactly' },
  enable_response_header_raft_node_id: { ignored: 'there is no Raft' },
  log_rotate_duration: { ignored: 'rotate with logrotate and SIGHUP' },
  log_rotate_bytes: { ignored: 'rotate with logrotate and SIGHUP' },
  log_rotate_max_files: { ignored: 'rotate with logrotate and SIGHUP' },
  allow_audit_log_prefixing: {
    refused: 'a prefix would let its author shape the audit file (CVE-2025-6000); remove the key',
  },
  ha_storage: { refused: 'one store serves all; remove the block' },
  initialize: { refused: 'initialise with `strongroom operator init`; remove the block' },
  plugin: { refused: 'engines are built in; remove the block' },
  service_registration: { refused: 'probe `/v1/sys/health` instead; remove the block' },
  kms_library: { refused: 'there is no PKCS#11 seal; remove the block' },
  license_path: { refused: 'there is no licence; remove the key' },
} as const;

export type TopConfig = Decoded<typeof TOP_KEYS>;
