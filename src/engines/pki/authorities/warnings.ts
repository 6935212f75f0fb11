/** What answers about authorities warn of. */
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import type { AiaUrls } from './records.ts';
import { isWithoutUrls } from './urls.ts';

const NO_URLS =
  "This mount hasn't configured any authority information access (AIA) fields; this may make it harder for systems to find missing certificates in the chain or to validate revocation status of certificates. Consider updating /config/urls or the newly generated issuer with this information.";
const NO_SUBJECT =
  'This issuer certificate was generated without a Subject; this makes it likely that issuing leaf certs with this certificate will cause TLS validation libraries to reject this certificate.';
const EMPTY_NAME_BYTES = 2;

export function urlWarnings(urls: AiaUrls): string[] {
  return isWithoutUrls(urls) ? [NO_URLS] : [];
}

export function requestUrlWarnings(urls: AiaUrls): string[] {
  return urlWarnings(urls).map(
    (each) =>
      `${each} Since this certificate is an intermediate, it might be useful to regenerate this certificate after fixing this problem for the root mount.`,
  );
}

export function subjectWarnings({ subject }: Certificate): string[] {
  return subject.length <= EMPTY_NAME_BYTES ? [NO_SUBJECT] : [];
}

export function pathLengthWarnings(
  pathLength: number | undefined,
  how: 'generated' | 'signed',
): string[] {
  return pathLength === 0
    ? [
        `Max path length of the ${how} certificate is zero. This certificate cannot be used to issue intermediate CA certificates.`,
      ]
    : [];
}
