/** What callers hand in to be kept: certificates, a key, times of alerts. */
import { parseSeconds } from '../../../base/duration.ts';
import { DerError } from '../../../crypto/der.ts';
import { nextPem, PEM_BLOCKS_MAX } from '../../../crypto/pem.ts';
import { readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { publicKeyInfoOf, readPrivateKey } from '../../../crypto/x509/keys.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { ALERTS_MAX } from './record.ts';

const PEM_LENGTH_MAX = 200_000;

/** @throws {RequestError} */
export function alertSeconds(texts: readonly string[]): number[] {
  if (texts.length > ALERTS_MAX) throw invalidRequest('too many values of alert_before');
  return texts.map((text) => {
    const seconds = parseSeconds(text);
    if (seconds === undefined || seconds < 0) {
      throw invalidRequest('alert_before holds what is not a duration');
    }
    return seconds;
  });
}

/** @throws {RequestError} */
export function certificatesIn(text: string): Certificate[] {
  if (text.length > PEM_LENGTH_MAX) throw invalidRequest('certificate is too long');
  const found: Certificate[] = [];
  try {
    let next = nextPem(text);
    for (let count = 0; next !== undefined && count < PEM_BLOCKS_MAX; count++) {
      if (next.block.label === 'CERTIFICATE') found.push(readCertificate(next.block.bytes));
      next = nextPem(text, next.end);
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw invalidRequest('certificate holds what cannot be read');
  }
  return found;
}

/** @throws {RequestError} */
export function assertKey(certificate: Certificate, pem: string): void {
  const key = readPrivateKey(pem);
  if (key === undefined) throw invalidRequest('private_key is not a private key in PEM');
  if (!publicKeyInfoOf(key).equals(certificate.publicKeyInfo)) {
    throw invalidRequest('private_key is not that of the certificate');
  }
}
