/**
 * The configuration as `sys/config/state/sanitized` shows it: only what is listed here is copied, so that a new key that holds a
 * secret stays out by itself (CVE-2026-115363). Settings of the reference that have no counterpart stand at their zero value, since
 * its clients decode them.
 */
import type { ServerConfig } from './server-config.ts';

const NS_PER_SECOND = 1e9;

/** Zero values of settings that this server does not have. */
const ABSENT = {
  administrative_namespace_path: '',
  allow_audit_log_prefixing: false,
  cache_size: 0,
  cluster_cipher_suites: '',
  detect_deadlocks: '',
  disable_cache: false,
  disable_clustering: false,
  disable_indexing: false,
  disable_performance_standby: false,
  disable_printable_check: false,
  disable_sealwrap: false,
  disable_sentinel_trace: false,
  enable_response_header_raft_node_id: false,
  enable_ui: false,
  imprecise_lease_role_tracking: false,
  introspection_endpoint: false,
  log_requests_level: '',
  plugin_directory: '',
  plugin_file_permissions: 0,
  plugin_file_uid: 0,
  raw_storage_endpoint: false,
  unsafe_cross_namespace_identity: false,
} as const;

const ABSENT_TELEMETRY = {
  add_lease_metrics_namespace_labels: false,
  circonus_api_app: '',
  circonus_api_token: '',
  circonus_api_url: '',
  circonus_broker_id: '',
  circonus_broker_select_tag: '',
  circonus_check_display_name: '',
  circonus_check_force_metric_activation: '',
  circonus_check_id: '',
  circonus_check_instance_id: '',
  circonus_check_search_tag: '',
  circonus_check_tags: '',
  circonus_submission_interval: '',
  circonus_submission_url: '',
  disable_hostname: true,
  dogstatsd_addr: '',
  dogstatsd_tags: null,
  lease_metrics_epsilon: 0,
  maximum_gauge_cardinality: 0,
  num_lease_metrics_buckets: 0,
  stackdriver_debug_logs: false,
  stackdriver_location: '',
  stackdriver_namespace: '',
  stackdriver_project_id: '',
  statsd_address: '',
  statsite_address: '',
  usage_gauge_period: 0,
} as const;

/** What may be shown to whoever may read `sys/config/state/sanitized`. */
export function sanitizedConfig(config: ServerConfig): Readonly<Record<string, unknown>> {
  const { storage, seal, sealBefore, telemetry } = config;
  return {
    ...ABSENT,
    api_addr: config.apiAddress ?? '',
    cluster_addr: config.clusterAddress ?? '',
    cluster_name: config.clusterName ?? '',
    default_lease_ttl: config.defaultLeaseTtlSeconds,
    default_max_request_duration: config.maxRequestDurationSeconds,
    enable_response_header_hostname: config.responseHeaderHostname,
    listeners: config.listeners.map(({ kind, address, tlsDisable }) => ({
      type: kind,
      config: { address: address ?? '', ...(kind === 'tcp' ? { tls_disable: tlsDisable } : {}) },
    })),
    log_format: config.logFormat,
    log_level: config.logLevel,
    max_lease_ttl: config.maxLeaseTtlSeconds,
    pid_file: config.pidFile ?? '',
    seals: [
      { type: seal.kind, disabled: false },
      ...(sealBefore === undefined ? [] : [{ type: sealBefore.kind, disabled: true }]),
    ],
    storage: { type: storage.kind, cluster_addr: '', disable_clustering: false, redirect_addr: '' },
    telemetry: {
      ...ABSENT_TELEMETRY,
      metrics_prefix: telemetry.metricsPrefix,
      prometheus_retention_time: telemetry.prometheusRetentionSeconds * NS_PER_SECOND,
    },
    unsafe_allow_api_audit_creation: config.allowApiAuditCreation,
  };
}
