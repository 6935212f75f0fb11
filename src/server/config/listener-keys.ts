/** The keys of a `listener` block, as data. */
import type { Decoded } from '../../base/config/key-table.ts';

export const APIS: readonly string[] = ['vault', 'aws', 'azure', 'gcp'];

export const LISTENER_KEYS = {
  address: {
    as: 'address',
    type: 'text',
    description:
      'tcp: host and port, default `127.0.0.1:8200` (port 0 takes a free one). unix: path of the socket, required.',
  },
  apis: {
    as: 'apis',
    type: 'list',
    default: ['vault', 'aws', 'azure', 'gcp'],
    description: 'APIs that this listener answers: `vault`, `aws`, `azure`, `gcp`.',
  },
  tls_disable: {
    as: 'tlsDisable',
    type: 'boolean',
    default: false,
    description: 'Serves plain HTTP. Without it a tcp listener needs a certificate.',
  },
  tls_cert_file: {
    as: 'tlsCertFile',
    type: 'text',
    description:
      'PEM file with the certificate and its chain; read again within half a minute of a change, and on SIGHUP.',
  },
  tls_key_file: {
    as: 'tlsKeyFile',
    type: 'text',
    description:
      'PEM file with the private key; read again within half a minute of a change, and on SIGHUP.',
  },
  tls_min_version: {
    as: 'tlsMinVersion',
    type: 'text',
    default: 'tls12',
    allowed: ['tls12', 'tls13'],
    description: 'Oldest TLS version.',
  },
  tls_max_version: {
    as: 'tlsMaxVersion',
    type: 'text',
    default: 'tls13',
    allowed: ['tls12', 'tls13'],
    description: 'Newest TLS version.',
  },
  tls_cipher_suites: {
    as: 'tlsCipherSuites',
    type: 'list',
    description:
      'Cipher suites for TLS 1.2, by their OpenSSL or IANA names. Default: forward-secret AEAD suites only.',
  },
  tls_client_ca_file: {
    as: 'tlsClientCaFile',
    type: 'text',
    description:
      'PEM file with the authorities of client certificates; read again within half a minute of a change, and on SIGHUP.',
  },
  tls_require_and_verify_client_cert: {
    as: 'tlsRequireClientCert',
    type: 'boolean',
    default: false,
    description: 'Refuses a connection without a client certificate from `tls_client_ca_file`.',
  },
  tls_disable_client_certs: {
    as: 'tlsDisableClientCerts',
    type: 'boolean',
    default: false,
    description: 'Does not ask for client certificates.',
  },
  http_idle_timeout: {
    as: 'idleTimeoutSeconds',
    type: 'duration',
    default: 300,
    description: 'How long a kept-alive connection may wait for its next request.',
  },
  http_read_header_timeout: {
    as: 'headerTimeoutSeconds',
    type: 'duration',
    default: 10,
    min: 1,
    description: 'Time to receive the headers of a request.',
  },
  http_read_timeout: {
    as: 'readTimeoutSeconds',
    type: 'duration',
    default: 30,
    min: 1,
    description: 'Time to receive a whole request.',
  },
  http_write_timeout: {
    as: 'writeTimeoutSeconds',
    type: 'duration',
    default: 0,
    description: 'Time to send a reply; 0 = no limit beside the request’s own.',
  },
  max_request_size: {
    as: 'maxRequestBytes',
    type: 'integer',
    default: 33_554_432,
    min: 1,
    description: 'Largest request body, in bytes.',
  },
  max_request_duration: {
    as: 'maxRequestDurationSeconds',
    type: 'duration',
    min: 1,
    description: 'Overrides `default_max_request_duration` for this listener.',
  },
  max_request_json_strings: {
    ignored: 'values and nesting of a body are bounded by themselves',
  },
  max_request_json_memory: { ignored: 'values and nesting of a body are bounded by themselves' },
  x_forwarded_for_authorized_addrs: {
    as: 'forwardedForAuthorized',
    type: 'list',
    description: 'CIDRs of proxies whose `X-Forwarded-For` is believed.',
  },
  x_forwarded_for_hop_skips: {
    as: 'forwardedForHopSkips',
    type: 'integer',
    default: 0,
    min: 0,
    description: 'Addresses to skip from the end of the header.',
  },
  x_forwarded_for_reject_not_authorized: {
    as: 'forwardedForRejectNotAuthorized',
    type: 'boolean',
    default: true,
    description: 'Refuses a request that carries the header from anywhere else.',
  },
  x_forwarded_for_reject_not_present: {
    as: 'forwardedForRejectNotPresent',
    type: 'boolean',
    default: true,
    description: 'Refuses a request of an authorized proxy without the header.',
  },
  disable_unauthed_rekey_endpoints: {
    as: 'disableUnauthedRekey',
    type: 'boolean',
    default: true,
    description: 'Closes `sys/rekey/*`, which need no token by contract.',
  },
  disable_unauthed_generate_root_endpoints: {
    as: 'disableUnauthedGenerateRoot',
    type: 'boolean',
    default: true,
    description: 'Closes `sys/generate-root/*`, which need no token by contract.',
  },
  unauthenticated_metrics_access: {
    as: 'unauthenticatedMetrics',
    type: 'boolean',
    default: false,
    inside: 'telemetry',
    description: 'Serves `sys/metrics` without a token.',
  },
  disallow_metrics: {
    as: 'disallowMetrics',
    type: 'boolean',
    default: false,
    inside: 'telemetry',
    description: 'Does not serve `sys/metrics` on this listener.',
  },
  metrics_only: {
    as: 'metricsOnly',
    type: 'boolean',
    default: false,
    inside: 'telemetry',
    description: 'Serves nothing but `sys/metrics` on this listener.',
  },
  unauthenticated_in_flight_requests_access: {
    as: 'unauthenticatedInFlightRequests',
    type: 'boolean',
    default: false,
    inside: 'inflight_requests_logging',
    description: 'Serves `sys/in-flight-req` without a token.',
  },
  unauthenticated_pprof_access: {
    as: 'unauthenticatedPprof',
    type: 'boolean',
    default: false,
    inside: 'profiling',
    description: 'Serves `sys/pprof/*` without a token.',
  },
  custom_response_headers: {
    as: 'customResponseHeaders',
    type: 'headers',
    description:
      'Headers to add, by status: `custom_response_headers { "default" = { "X-Team" = ["a"] } "4xx" = { … } }`.',
  },
  socket_mode: {
    as: 'socketMode',
    type: 'mode',
    description: 'unix: permissions of the socket, in octal. Default `0600`.',
  },
  socket_user: { refused: 'start the server as that user; remove the key' },
  socket_group: { refused: 'put the socket into a folder of that group; remove the key' },
  cluster_address: { ignored: 'there is no cluster port' },
  tls_prefer_server_cipher_suites: { ignored: 'TLS 1.3 has no such choice' },
  metrics_path: { refused: 'metrics stay at `/v1/sys/metrics`; remove the key' },
  proxy_protocol_behavior: { refused: 'let the proxy set X-Forwarded-For' },
  proxy_protocol_authorized_addrs: { refused: 'let the proxy set X-Forwarded-For' },
  tls_acme_ca_directory: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_test_ca_directory: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_cache_path: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_ca_root: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_eab_key_id: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_eab_mac_key: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_email: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_domains: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_disable_http_challenge: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
  tls_acme_disable_alpn_challenge: {
    refused: 'get the certificate with an ACME client; name it in `tls_cert_file`',
  },
} as const;

export interface ListenerConfig extends Decoded<typeof LISTENER_KEYS> {
  readonly kind: 'tcp' | 'unix';
  readonly where: string;
}

export const LISTENER_KINDS = ['tcp', 'unix'] as const;
export const LISTENER_ADDRESS_DEFAULT = '127.0.0.1:8200';
