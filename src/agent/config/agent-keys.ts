/** The keys of the agent's configuration, as data: decoding and docs/agent.md derive from these tables. */
import type { Decoded } from '../../base/config/key-table.ts';

export const AGENT_KEYS = {
  pid_file: {
    as: 'pidFile',
    type: 'text',
    description: 'File that holds the process id while the agent runs.',
  },
  exit_after_auth: {
    as: 'exitAfterAuth',
    type: 'boolean',
    default: false,
    description: 'Ends with 0 once every sink and template has been written once.',
  },
  log_level: {
    as: 'logLevel',
    type: 'text',
    default: 'info',
    allowed: ['trace', 'debug', 'info', 'warn', 'error'],
    environment: 'LOG_LEVEL',
    description: 'Least severe level that is logged.',
  },
  log_format: {
    as: 'logFormat',
    type: 'text',
    default: 'standard',
    allowed: ['standard', 'json'],
    environment: 'LOG_FORMAT',
    description: 'Form of a log line.',
  },
  log_file: { as: 'logFile', type: 'text', description: 'File that gets a copy of the log.' },
  disable_mlock: { ignored: 'JavaScript memory cannot be locked' },
  disable_idle_connections: { ignored: 'idle connections are closed in time' },
  disable_keep_alives: { ignored: 'idle connections are closed in time' },
  log_rotate_duration: { ignored: 'rotate with logrotate' },
  log_rotate_bytes: { ignored: 'rotate with logrotate' },
  log_rotate_max_files: { ignored: 'rotate with logrotate' },
} as const;

export const SERVER_KEYS = {
  address: {
    as: 'address',
    type: 'text',
    description: 'Where the server is. Without it the environment (`VAULT_ADDR`) says so.',
  },
  ca_cert: { as: 'caFile', type: 'text', description: 'PEM file with the authority to trust.' },
  ca_path: { as: 'caPath', type: 'text', description: 'Folder of such files.' },
  client_cert: {
    as: 'certFile',
    type: 'text',
    description: 'PEM file with the certificate to show to the server.',
  },
  client_key: { as: 'keyFile', type: 'text', description: 'PEM file with its key.' },
  tls_server_name: {
    as: 'serverName',
    type: 'text',
    description: 'Name to expect in the server’s certificate.',
  },
  tls_skip_verify: {
    as: 'skipVerify',
    type: 'boolean',
    description: 'Does not check the server’s certificate.',
  },
  namespace: { as: 'namespace', type: 'text', description: 'Namespace of all requests.' },
  num_retries: {
    as: 'retriesMax',
    type: 'integer',
    inside: 'retry',
    description: 'How often a request that failed on the server’s side is tried again.',
  },
} as const;

export const METHOD_KEYS = {
  mount_path: {
    as: 'mountPath',
    type: 'text',
    description: 'Path of the auth method. Default: `auth/` and its type.',
  },
  namespace: { as: 'namespace', type: 'text', description: 'Namespace of the login alone.' },
  min_backoff: {
    as: 'minBackoffSeconds',
    type: 'duration',
    default: 1,
    min: 1,
    description: 'Wait after the first failed login; each further one doubles it.',
  },
  max_backoff: {
    as: 'maxBackoffSeconds',
    type: 'duration',
    default: 300,
    min: 1,
    description: 'Longest wait between logins.',
  },
  exit_on_err: {
    as: 'exitOnError',
    type: 'boolean',
    default: false,
    description: 'Ends with 1 at the first failed login.',
  },
  config: { as: 'config', type: 'texts', description: 'What the method itself needs, see above.' },
  wrap_ttl: { refused: 'wrap the token in a sink instead' },
} as const;

export const SINK_KEYS = {
  config: {
    as: 'config',
    type: 'texts',
    description: '`path`: the file, written anew with each token; `mode`: its mode (`0640`).',
  },
  wrap_ttl: {
    as: 'wrapTtlSeconds',
    type: 'duration',
    description: 'Puts the token into the file wrapped, as JSON, opened once within this time.',
  },
  dh_type: { refused: 'nothing is encrypted for a reader here; use wrap_ttl' },
  dh_path: { refused: 'nothing is encrypted for a reader here; use wrap_ttl' },
  derive_key: { refused: 'nothing is encrypted for a reader here; use wrap_ttl' },
  aad: { refused: 'nothing is encrypted for a reader here; use wrap_ttl' },
  aad_env_var: { refused: 'nothing is encrypted for a reader here; use wrap_ttl' },
} as const;

export const TEMPLATE_KEYS = {
  source: { as: 'source', type: 'text', description: 'File with the template.' },
  contents: { as: 'contents', type: 'text', description: 'The template itself, in its place.' },
  destination: { as: 'destination', type: 'text', description: 'File to write.' },
  create_dest_dirs: {
    as: 'createFolders',
    type: 'boolean',
    default: true,
    description: 'Makes the folders above it.',
  },
  perms: {
    as: 'mode',
    type: 'mode',
    description: 'Mode of the file. Default: that of the file it replaces, else `0644`.',
  },
  backup: {
    as: 'backup',
    type: 'boolean',
    default: false,
    description: 'Keeps what was there before with `.bak` behind its name.',
  },
  command: {
    as: 'command',
    type: 'text',
    description: 'Shell command to run after the file has changed.',
  },
  command_timeout: {
    as: 'commandTimeoutSeconds',
    type: 'duration',
    default: 30,
    min: 1,
    description: 'How long it may take.',
  },
  error_on_missing_key: {
    as: 'missingKeyFails',
    type: 'boolean',
    default: false,
    description: 'A key that a secret has not is an error instead of `<no value>`.',
  },
  left_delimiter: { as: 'left', type: 'text', default: '{{', description: 'Begins an action.' },
  right_delimiter: { as: 'right', type: 'text', default: '}}', description: 'Ends an action.' },
  sandbox_path: { refused: 'templates read local files with `file` only' },
  user: { refused: 'run the agent as the user who is to own the files' },
  group: { refused: 'run the agent as the user who is to own the files' },
  function_denylist: { ignored: 'no function runs programs or writes files' },
  function_blacklist: { ignored: 'no function runs programs or writes files' },
  map_to_environment_variable: { refused: 'write an env_template block' },
} as const;

export const TEMPLATE_EXEC_KEYS = {
  command: {
    as: 'command',
    type: 'list',
    required: true,
    description:
      'Program and arguments to run after the file has changed; one word is a shell command.',
  },
  timeout: {
    as: 'timeoutSeconds',
    type: 'duration',
    default: 30,
    min: 1,
    description: 'How long it may take.',
  },
} as const;

export const WAIT_KEYS = {
  min: {
    as: 'minSeconds',
    type: 'duration',
    default: 0,
    description: 'How long to wait for further changes before the file is written.',
  },
  max: { ignored: 'the wait is as long as min' },
} as const;

export const TEMPLATING_KEYS = {
  static_secret_render_interval: {
    as: 'staticIntervalSeconds',
    type: 'duration',
    default: 300,
    min: 1,
    description: 'How often secrets without a lease are read again.',
  },
  exit_on_retry_failure: {
    as: 'exitOnFailure',
    type: 'boolean',
    default: false,
    description: 'Ends with 1 when a template could not be rendered after 12 attempts.',
  },
  max_connections_per_host: { ignored: 'few connections are kept' },
  lease_renewal_threshold: { ignored: 'leases are renewed after two thirds of their time' },
} as const;

export const EXEC_KEYS = {
  command: {
    as: 'command',
    type: 'list',
    required: true,
    description: 'The program and its arguments.',
  },
  restart_on_secret_changes: {
    as: 'restart',
    type: 'text',
    default: 'always',
    allowed: ['always', 'never'],
    description: 'Whether it is started anew when a secret changes.',
  },
  restart_stop_signal: {
    as: 'stopSignal',
    type: 'text',
    default: 'SIGTERM',
    allowed: ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGKILL'],
    description: 'How it is asked to end.',
  },
} as const;

export const API_PROXY_KEYS = {
  use_auto_auth_token: {
    as: 'useToken',
    type: 'text',
    default: 'false',
    allowed: ['true', 'false', 'force'],
    description:
      'Gives the agent’s own token to requests that bring none; `force` to those that bring one too.',
  },
  enforce_consistency: { ignored: 'every server answers with what was committed' },
  when_inconsistent: { ignored: 'every server answers with what was committed' },
  prepend_configured_namespace: {
    as: 'prependNamespace',
    type: 'boolean',
    default: false,
    description: 'Puts the namespace of the `vault` block before that of the request.',
  },
} as const;

export const CACHE_KEYS = {
  use_auto_auth_token: { refused: 'write it into api_proxy' },
  persist: { refused: 'what the agent holds dies with it; remove the block' },
  cache_static_secrets: { ignored: 'only credentials with a lease are kept' },
  disable_caching_dynamic_secrets: {
    as: 'disabled',
    type: 'boolean',
    default: false,
    description: 'Keeps no answers.',
  },
} as const;

export const AGENT_LISTENER_KEYS = {
  address: { as: 'address', type: 'text', required: true, description: '`host:port`, or a path.' },
  tls_disable: {
    as: 'tlsDisable',
    type: 'boolean',
    default: false,
    description: 'Plain HTTP: on the loopback address only.',
  },
  tls_cert_file: { as: 'certFile', type: 'text', description: 'PEM file with the certificate.' },
  tls_key_file: { as: 'keyFile', type: 'text', description: 'PEM file with its key.' },
  socket_mode: { as: 'socketMode', type: 'mode', description: 'Mode of a `unix` listener.' },
  socket_user: { ignored: 'the socket belongs to whoever runs the agent' },
  socket_group: { ignored: 'the socket belongs to whoever runs the agent' },
  require_request_header: {
    as: 'requireHeader',
    type: 'boolean',
    default: false,
    description:
      'Refuses requests without `X-Vault-Request: true`, which no web page or redirect can make a browser send.',
  },
  enable_quit: {
    as: 'enableQuit',
    type: 'boolean',
    default: false,
    inside: 'agent_api',
    description: '`POST /agent/v1/quit` ends the agent.',
  },
  role: {
    as: 'role',
    type: 'text',
    default: 'default',
    allowed: ['default'],
    description: 'The agent has no metrics of its own to serve.',
  },
} as const;

export type AgentKeys = Decoded<typeof AGENT_KEYS>;
export type ServerKeys = Decoded<typeof SERVER_KEYS>;
export type MethodKeys = Decoded<typeof METHOD_KEYS>;
export type SinkKeys = Decoded<typeof SINK_KEYS>;
export type TemplateKeys = Decoded<typeof TEMPLATE_KEYS>;
export type TemplatingKeys = Decoded<typeof TEMPLATING_KEYS>;
export type ExecKeys = Decoded<typeof EXEC_KEYS>;
export type ApiProxyKeys = Decoded<typeof API_PROXY_KEYS>;
export type AgentListenerKeys = Decoded<typeof AGENT_LISTENER_KEYS>;
