/** Certificates that are kept, by serial number. */
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';

export const CERTIFICATES = 'certs/';

/** A serial number as keys have it: hyphens, lower case. */
export function serialKey(serial: string): string {
  return serial.toLowerCase().replaceAll(':', '-');
}

export function serialKeyOf({ serial }: Pick<Certificate, 'serial'>): string {
  return serial.toString('hex').replace(/(..)(?=.)/g, '$1-');
}

/** A new certificate: its serial number was drawn just now. */
export function keepNew(store: Transaction, certificate: Certificate): void {
  store.putNew(CERTIFICATES + serialKeyOf(certificate), certificate.der);
}

export async function findCertificate(store: Reader, serial: string): Promise<Buffer | undefined> {
  return await store.get(CERTIFICATES + serialKey(serial));
}
