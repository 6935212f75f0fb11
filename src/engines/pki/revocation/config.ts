/** `config/crl`: how long revocation lists and status responses hold, and when lists are made. */
import { formatGoDuration, parseSeconds } from '../../../base/duration.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';

export interface CrlConfig {
  readonly expiry: string;
  readonly disable: boolean;
  readonly ocsp_disable: boolean;
  readonly ocsp_expiry: string;
  readonly auto_rebuild: boolean;
  readonly auto_rebuild_grace_period: string;
  readonly enable_delta: boolean;
  readonly delta_rebuild_interval: string;
  readonly allow_expired_cert_revocation: boolean;
}

export const CRL_CONFIG = 'config/crl';

const DEFAULTS: CrlConfig = {
  expiry: '72h',
  disable: false,
  ocsp_disable: false,
  ocsp_expiry: '12h',
  auto_rebuild: false,
  auto_rebuild_grace_period: '12h',
  enable_delta: false,
  delta_rebuild_interval: '15m',
  allow_expired_cert_revocation: false,
};

/** Settings in force: what was set to nothing is at its default. */
export async function crlConfig(store: Reader): Promise<CrlConfig> {
  const config = { ...DEFAULTS, ...(await store.getRecord<CrlConfig>(CRL_CONFIG)) };
  return {
    ...config,
    expiry: config.expiry === '' ? DEFAULTS.expiry : config.expiry,
    delta_rebuild_interval:
      config.delta_rebuild_interval === ''
        ? DEFAULTS.delta_rebuild_interval
        : config.delta_rebuild_interval,
  };
}

/** Seconds of a stored duration. */
export function secondsOf(text: string): number {
  return parseSeconds(text) ?? 0;
}

const DURATIONS = [
  'expiry',
  'ocsp_expiry',
  'auto_rebuild_grace_period',
  'delta_rebuild_interval',
] as const;

/** @throws {RequestError} settings that do not go together */
export function checkedConfig(config: CrlConfig): CrlConfig {
  for (const name of DURATIONS) {
    if (parseSeconds(config[name]) === undefined) {
      throw invalidRequest(`given ${name} could not be decoded: not a duration`);
    }
  }
  const ocspSeconds = secondsOf(config.ocsp_expiry);
  if (ocspSeconds < 0) {
    throw invalidRequest(
      `ocsp_expiry must be greater than or equal to 0 got: ${formatGoDuration(ocspSeconds * 1000)}`,
    );
  }
  const expirySeconds = secondsOf(config.expiry);
  if (config.auto_rebuild && secondsOf(config.auto_rebuild_grace_period) >= expirySeconds) {
    throw invalidRequest(
      `CRL auto-rebuilding grace period (${config.auto_rebuild_grace_period}) must be strictly shorter than CRL expiry (${config.expiry}) value when auto-rebuilding of CRLs is enabled`,
    );
  }
  if (config.enable_delta && secondsOf(config.delta_rebuild_interval) >= expirySeconds) {
    throw invalidRequest(
      `CRL delta rebuild window (${config.delta_rebuild_interval}) must be strictly shorter than CRL expiry (${config.expiry}) value when delta CRLs are enabled`,
    );
  }
  if (config.enable_delta && !config.auto_rebuild) {
    throw invalidRequest(
      'Delta CRLs cannot be enabled when auto rebuilding is disabled as the complete CRL is always regenerated!',
    );
  }
  return config;
}
