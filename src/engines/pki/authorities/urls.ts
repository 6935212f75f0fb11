/** Where certificates say that their issuer, revocation lists and status responders are: `config/urls` and each issuer’s own. */
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';
import type { AiaUrls } from './records.ts';

export interface ClusterRecord {
  readonly path: string;
  readonly aiaPath: string;
}

export const URLS = 'config/urls';
export const CLUSTER = 'config/cluster';

export const NO_URLS: AiaUrls = {
  issuingCertificates: [],
  crlDistributionPoints: [],
  deltaCrlDistributionPoints: [],
  ocspServers: [],
  enableTemplating: false,
};

/** Name in the API, and in the record. */
export const URL_LISTS = [
  ['issuing_certificates', 'issuingCertificates'],
  ['crl_distribution_points', 'crlDistributionPoints'],
  ['delta_crl_distribution_points', 'deltaCrlDistributionPoints'],
  ['ocsp_servers', 'ocspServers'],
] as const;

/** True when there is nothing to write into a certificate. */
export function isWithoutUrls(urls: AiaUrls): boolean {
  return (
    urls.issuingCertificates.length === 0 &&
    urls.crlDistributionPoints.length === 0 &&
    urls.ocspServers.length === 0
  );
}

const TEMPLATES = ['{{issuer_id}}', '{{cluster_path}}', '{{cluster_aia_path}}'];

export function isUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.host !== '' && !TEMPLATES.some((each) => text.includes(each));
}

/** @throws {RequestError} naming the first that is no URL */
export function assertUrls(parameter: string, urls: readonly string[]): void {
  if (urls.every(isUrl)) return;
  throw invalidRequest(
    `invalid URL found in Authority Information Access (AIA) parameter ${parameter}`,
  );
}

export async function globalUrls(store: Reader): Promise<AiaUrls> {
  return (await store.getRecord<AiaUrls>(URLS)) ?? NO_URLS;
}

export async function clusterRecord(store: Reader): Promise<ClusterRecord> {
  return (await store.getRecord<ClusterRecord>(CLUSTER)) ?? { path: '', aiaPath: '' };
}

/**
 * Templates filled in. @param issuerId '' where no issuer exists yet.
 * @throws {RequestError} something that a template names is not set
 */
export async function filledUrls(store: Reader, urls: AiaUrls, issuerId: string): Promise<AiaUrls> {
  if (!urls.enableTemplating || isWithoutUrls(urls)) return urls;
  const cluster = await clusterRecord(store);
  const fill = (parameter: string, list: readonly string[]): string[] =>
    list.map((text) => {
      const needs = (template: string, value: string, what: string): void => {
        if (value !== '' || !text.includes(template)) return;
        throw invalidRequest(`unable to template AIA URLs as we lack ${what}`);
      };
      const local = 'local cluster address information';
      needs('{{cluster_path}}', cluster.path, `${local} (path)`);
      needs('{{cluster_aia_path}}', cluster.aiaPath, `${local} (aia_path)`);
      needs('{{issuer_id}}', issuerId, 'an issuer_id for this operation');
      const filled = text
        .replaceAll('{{cluster_path}}', () => cluster.path)
        .replaceAll('{{cluster_aia_path}}', () => cluster.aiaPath)
        .replaceAll('{{issuer_id}}', () => issuerId);
      if (isUrl(filled)) return filled;
      throw invalidRequest(`error validating templated ${parameter}; invalid URI`);
    });
  return {
    issuingCertificates: fill('issuing_certificates', urls.issuingCertificates),
    crlDistributionPoints: fill('crl_distribution_points', urls.crlDistributionPoints),
    deltaCrlDistributionPoints: fill(
      'delta_crl_distribution_points',
      urls.deltaCrlDistributionPoints,
    ),
    ocspServers: fill('ocsp_servers', urls.ocspServers),
    enableTemplating: urls.enableTemplating,
  };
}

/** What goes into certificates of this issuer: its own URLs, else those of the mount. @throws {RequestError} */
export async function urlsOf(
  store: Reader,
  issuer: { readonly id: string; readonly aia?: AiaUrls },
): Promise<AiaUrls> {
  const own = issuer.aia;
  const urls = own === undefined || isWithoutUrls(own) ? await globalUrls(store) : own;
  return await filledUrls(store, urls, issuer.id);
}
