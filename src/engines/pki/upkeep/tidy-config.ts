/** What a clean-up goes through, how much room it leaves, and how fast it goes. */
import { formatGoDuration, parseGoDuration, parseSeconds } from '../../../base/duration.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';

export interface TidyConfig {
  readonly tidy_cert_store: boolean;
  readonly tidy_revoked_certs: boolean;
  readonly tidy_invalid_certs: boolean;
  readonly tidy_revoked_cert_issuer_associations: boolean;
  readonly tidy_expired_issuers: boolean;
  readonly tidy_move_legacy_ca_bundle: boolean;
  readonly tidy_acme: boolean;
  readonly safety_buffer: number;
  /** As long as `safety_buffer` where it is not set. */
  readonly revoked_safety_buffer: number | undefined;
  readonly issuer_safety_buffer: number;
  readonly acme_account_safety_buffer: number;
  readonly pause_duration: string;
  readonly page_size: number;
}

export interface AutoTidyConfig extends TidyConfig {
  readonly enabled: boolean;
  readonly interval_duration: number;
  readonly maintain_stored_certificate_counts: boolean;
  readonly publish_stored_certificate_count_metrics: boolean;
}

export const AUTO_TIDY = 'config/auto-tidy';

export const TIDY_OPERATIONS = [
  'tidy_cert_store',
  'tidy_revoked_certs',
  'tidy_invalid_certs',
  'tidy_revoked_cert_issuer_associations',
  'tidy_expired_issuers',
  'tidy_move_legacy_ca_bundle',
  'tidy_acme',
] as const;

const DAY_SECONDS = 86_400;

export const TIDY_DEFAULTS: AutoTidyConfig = {
  enabled: false,
  interval_duration: DAY_SECONDS / 2,
  tidy_cert_store: false,
  tidy_revoked_certs: false,
  tidy_invalid_certs: false,
  tidy_revoked_cert_issuer_associations: false,
  tidy_expired_issuers: false,
  tidy_move_legacy_ca_bundle: false,
  tidy_acme: false,
  safety_buffer: 3 * DAY_SECONDS,
  revoked_safety_buffer: undefined,
  issuer_safety_buffer: 365 * DAY_SECONDS,
  acme_account_safety_buffer: 30 * DAY_SECONDS,
  pause_duration: '0s',
  page_size: 1000,
  maintain_stored_certificate_counts: false,
  publish_stored_certificate_count_metrics: false,
};

export async function autoTidyConfig(store: Reader): Promise<AutoTidyConfig> {
  return { ...TIDY_DEFAULTS, ...(await store.getRecord<AutoTidyConfig>(AUTO_TIDY)) };
}

export function doesAnything(config: TidyConfig): boolean {
  return TIDY_OPERATIONS.some((name) => config[name]);
}

/** Milliseconds of a Go duration, or of whole seconds; undefined for neither. */
export function pauseMs(text: string): number | undefined {
  if (text === '') return 0;
  const ms = parseGoDuration(text);
  if (ms !== undefined) return ms;
  const seconds = parseSeconds(text);
  return seconds === undefined ? undefined : seconds * 1000;
}

export const PAGE_MIN: number = 5;
export const PAGE_MAX = 10_000;

const BUFFERS = [
  'safety_buffer',
  'revoked_safety_buffer',
  'issuer_safety_buffer',
  'acme_account_safety_buffer',
] as const;

/** @throws {RequestError} */
export function checkedTidy<T extends TidyConfig>(config: T): T {
  for (const name of BUFFERS) {
    const seconds = config[name];
    if (seconds !== undefined && seconds < 1) {
      throw invalidRequest(`${name} must be greater than zero`);
    }
  }
  const pause = pauseMs(config.pause_duration);
  if (pause === undefined) throw invalidRequest('Error parsing pause_duration: not a duration');
  if (pause < 0) throw invalidRequest('received invalid, negative pause_duration');
  if (config.page_size > 0 && config.page_size < PAGE_MIN) {
    throw invalidRequest('page_size must be at least 5');
  }
  return config;
}

/** As answers show it. */
export function shownTidy(config: TidyConfig): Readonly<Record<string, unknown>> {
  return {
    ...Object.fromEntries(TIDY_OPERATIONS.map((name) => [name, config[name]])),
    safety_buffer: config.safety_buffer,
    revoked_safety_buffer: config.revoked_safety_buffer ?? config.safety_buffer,
    issuer_safety_buffer: config.issuer_safety_buffer,
    acme_account_safety_buffer: config.acme_account_safety_buffer,
    pause_duration: formatGoDuration(pauseMs(config.pause_duration) ?? 0),
    page_size: config.page_size,
  };
}
