/** The checks of a PKI mount: each looks at one thing and tells what could be better. */
import type { JsonObject } from '../../../client/json.ts';
import { caValidity, crlValidity, hardwareRoot, rootLeaves } from './check-authorities.ts';
import { globs, localhost, noStore, roleCheck } from './check-roles.ts';
import type { Check, Finding, Mount } from './finding.ts';
import { isRoot, issuersOf, ms, one, textIn, textsIn } from './looking.ts';

const TUNE = '/sys/mounts/{{mount}}/tune';

function tune(mount: Mount): Promise<JsonObject | undefined> {
  return mount.read(`sys/mounts/${mount.path}/tune`);
}

function has(data: JsonObject | undefined, name: string, wanted: string): boolean {
  return textsIn(data, name).some((each) => each.toLowerCase() === wanted.toLowerCase());
}

const VISIBLE: Readonly<Record<string, string>> = {
  audit_non_hmac_request_keys:
    'csr certificate issuer_ref common_name alt_names other_sans ip_sans uri_sans ttl not_after serial_number key_type private_key_format managed_key_name managed_key_id ou organization country locality province street_address postal_code permitted_dns_domains policy_identifiers ext_key_usage_oids',
  audit_non_hmac_response_keys: 'certificate issuing_ca serial_number error ca_chain',
};
const HIDDEN: readonly string[] = ['private_key', 'pem_bundle'];

async function auditVisibility(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const data = await tune(mount);
  const ignored = textsIn(config, 'ignored_parameters');
  const findings: Finding[] = [];
  for (const [source, names] of Object.entries(VISIBLE)) {
    const shown = textsIn(data, source);
    for (const name of names.split(' ')) {
      if (shown.includes(name) || ignored.includes(name)) continue;
      findings.push({
        status: 'informational',
        endpoint: TUNE,
        message: `Mount currently HMACs ${name} because it is not in ${source}; as this is not a sensitive security parameter, it is encouraged to disable HMACing to allow better auditing of the PKI engine.`,
      });
    }
    for (const name of HIDDEN.filter((each) => shown.includes(each))) {
      findings.push({
        status: 'warning',
        endpoint: TUNE,
        message: `Mount currently doesn't HMAC ${name} because it is in ${source}; as this is a sensitive security parameter it is encouraged to HMAC it in the Audit logs.`,
      });
    }
  }
  return findings.length > 0
    ? findings
    : one('ok', TUNE, 'Mount audit information is configured appropriately.');
}

async function ifModifiedSince(mount: Mount): Promise<readonly Finding[]> {
  const data = await tune(mount);
  const isOn =
    has(data, 'passthrough_request_headers', 'If-Modified-Since') &&
    has(data, 'allowed_response_headers', 'Last-Modified');
  return isOn
    ? one(
        'ok',
        TUNE,
        'Mount allows the If-Modified-Since request header and Last-Modified response header.',
      )
    : one(
        'informational',
        TUNE,
        "Mount hasn't enabled If-Modified-Since Request or Last-Modified Response headers; consider enabling these headers to allow clients to fetch CAs and CRLs only when they've changed, reducing total bandwidth.",
      );
}

async function autoTidy(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const endpoint = '/{{mount}}/config/auto-tidy';
  const data = await mount.read(`${mount.path}/config/auto-tidy`);
  if (data === undefined) return [];
  if (data['enabled'] !== true) {
    return one(
      'informational',
      endpoint,
      'Auto-tidy is currently disabled; consider enabling auto-tidy to execute tidy operations periodically. This helps the health and performance of a mount.',
    );
  }
  const findings = ['interval_duration', 'pause_duration'].flatMap((name): Finding[] => {
    const value = ms(data[name]);
    const status = (['critical', 'warning'] as const).find(
      (each) => value >= ms(config[`${name}_${each}`]),
    );
    if (status === undefined) return [];
    const message = `Auto-tidy is configured with too long of a value for ${name} (${value / 1000}s); this could impact performance as tidies run too infrequently or take too long to execute.`;
    return [{ status, endpoint, message }];
  });
  return findings.length > 0
    ? findings
    : one('ok', endpoint, 'Auto-tidy is enabled and configured appropriately.');
}

async function tidyRun(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const endpoint = '/{{mount}}/tidy-status';
  const data = await mount.read(`${mount.path}/tidy-status`);
  if (data === undefined) return [];
  const when = data['time_finished'];
  if (typeof when !== 'string') {
    return one(
      'critical',
      endpoint,
      "Tidy hasn't run since this mount was created. It is suggested to enable auto-tidy on this mount.",
    );
  }
  const agoMs = mount.nowMs - Date.parse(when);
  const late = (['critical', 'warning'] as const).find(
    (each) => agoMs > ms(config[`last_run_${each}`]),
  );
  return late === undefined
    ? one('ok', endpoint, 'Tidy has run recently on this mount.')
    : one(
        late,
        endpoint,
        `Tidy hasn't run in the last ${textIn(config, `last_run_${late}`)}; this can point to problems with the mount's auto-tidy configuration or an external tidy executor.`,
      );
}

async function tooMany(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const { length } = await mount.list(`${mount.path}/certs`);
  const status = (['critical', 'warning'] as const).find(
    (each) => length >= Number(config[`count_${each}`]),
  );
  return status === undefined
    ? one('ok', '/{{mount}}/certs', 'This mount has an OK number of stored certificates.')
    : one(
        status,
        '/{{mount}}/certs',
        `This PKI mount has ${length} outstanding stored certificates; consider using no_store=true on roles, running tidy operations periodically, and using shorter certificate lifetimes.`,
      );
}

async function acme(mount: Mount): Promise<readonly Finding[]> {
  const endpoint = '/{{mount}}/config/acme';
  const data = await mount.read(`${mount.path}/config/acme`);
  if (data?.['enabled'] !== true) {
    const found = await issuersOf(mount);
    return found.every((each) => isRoot(each.certificate))
      ? one('not_applicable', endpoint, 'Mount contains only root issuers, ACME is not required.')
      : one(
          'informational',
          endpoint,
          'Consider enabling ACME support to support a self-rotating PKI infrastructure.',
        );
  }
  const { path } = (await mount.read(`${mount.path}/config/cluster`)) ?? {};
  return typeof path === 'string' && path !== ''
    ? one('ok', '/{{mount}}/config/cluster', 'ACME enabled, and its URL is set.')
    : one(
        'warning',
        '/{{mount}}/config/cluster',
        'ACME enabled in config but not functional: config/cluster has no path.',
      );
}

const ACME_HEADERS: readonly string[] = ['Replay-Nonce', 'Link', 'Location'];

async function acmeHeaders(mount: Mount): Promise<readonly Finding[]> {
  const config = await mount.read(`${mount.path}/config/acme`);
  if (config?.['enabled'] !== true) {
    return one(
      'not_applicable',
      '/{{mount}}/config/acme',
      'ACME is not enabled, no additional response headers required.',
    );
  }
  const data = await tune(mount);
  return ACME_HEADERS.every((each) => has(data, 'allowed_response_headers', each))
    ? one('ok', TUNE, "Mount has enabled 'Replay-Nonce', 'Link', 'Location' response headers.")
    : one(
        'warning',
        TUNE,
        "Mount hasn't enabled 'Replay-Nonce', 'Link', 'Location' response headers, these are required for ACME to function.",
      );
}

export const CHECKS: readonly Check[] = [
  {
    name: 'ca_validity_period',
    defaults: {
      root_expiry_critical: '180d',
      intermediate_expiry_critical: '30d',
      root_expiry_warning: '365d',
      intermediate_expiry_warning: '60d',
      root_expiry_informational: '730d',
      intermediate_expiry_informational: '180d',
    },
    run: caValidity,
  },
  {
    name: 'crl_validity_period',
    defaults: { crl_expiry_pct_critical: '95', delta_crl_expiry_pct_critical: '95' },
    run: crlValidity,
  },
  { name: 'hardware_backed_root', defaults: { enabled: false }, run: hardwareRoot },
  { name: 'root_issued_leaves', defaults: { certs_to_fetch: 100 }, run: rootLeaves },
  {
    name: 'role_allows_localhost',
    defaults: {},
    run: roleCheck(
      'Roles follow best practices regarding allowing issuance for localhost domains.',
      localhost,
    ),
  },
  {
    name: 'role_allows_glob_wildcards',
    defaults: {},
    run: roleCheck('Roles follow best practices regarding wildcards and globs.', globs),
  },
  { name: 'role_no_store_false', defaults: { allowed_roles: [] }, run: noStore },
  { name: 'audit_visibility', defaults: { ignored_parameters: [] }, run: auditVisibility },
  { name: 'allow_if_modified_since', defaults: {}, run: ifModifiedSince },
  {
    name: 'enable_auto_tidy',
    defaults: {
      interval_duration_critical: '7d',
      interval_duration_warning: '2d',
      pause_duration_critical: '1s',
      pause_duration_warning: '200ms',
    },
    run: autoTidy,
  },
  {
    name: 'tidy_last_run',
    defaults: { last_run_critical: '7d', last_run_warning: '2d' },
    run: tidyRun,
  },
  {
    name: 'too_many_certs',
    defaults: { count_critical: 250_000, count_warning: 50_000 },
    run: tooMany,
  },
  { name: 'enable_acme_issuance', defaults: {}, run: acme },
  { name: 'allow_acme_headers', defaults: {}, run: acmeHeaders },
];
