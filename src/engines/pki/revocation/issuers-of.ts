/** Which of the mount’s issuers has made a certificate. */
import { isSignedBy, readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import type { Reader } from '../../../model/transaction.ts';
import { ISSUERS, readIndex } from '../authorities/records.ts';
import type { IssuerRecord } from '../authorities/records.ts';

export interface Parent {
  readonly id: string;
  readonly certificate: Certificate;
}

export async function issuerCertificates(store: Reader): Promise<Parent[]> {
  const ids = Object.keys((await readIndex(store)).issuers);
  const records = await store.getRecords<IssuerRecord>(ids.map((id) => ISSUERS + id));
  return records.flatMap((each) =>
    each === undefined
      ? []
      : [{ id: each.id, certificate: readCertificate(Buffer.from(each.certificate, 'base64')) }],
  );
}

/** '' when none of them has. */
export function associate(certificate: Certificate, parents: readonly Parent[]): string {
  return parents.find((each) => isSignedBy(certificate, each.certificate))?.id ?? '';
}
