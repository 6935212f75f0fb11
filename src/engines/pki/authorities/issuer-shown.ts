/** An issuer as the API shows it. */
import { formatTime } from '../../../base/time-format.ts';
import { pemOf } from '../../../crypto/pem.ts';
import type { Reader } from '../../../model/transaction.ts';
import { ISSUERS } from './records.ts';
import type { IssuerRecord, StoredIssuer } from './records.ts';
import { usageText } from './signer.ts';
import { NO_URLS, URL_LISTS } from './urls.ts';

const PSS_DOWNGRADED =
  'Issuer uses a PSS Revocation Signature Algorithm. This algorithm will be downgraded to PKCS#1v1.5 signature scheme on OCSP responses, due to limitations in the OCSP library.';

/** PEM with a line end, as certificates of issuers are shown. */
export function issuerPem({ certificate }: Pick<StoredIssuer, 'certificate'>): string {
  return `${pemOf(Buffer.from(certificate, 'base64'), 'CERTIFICATE')}\n`;
}

export async function chainPems(store: Reader, issuer: StoredIssuer): Promise<readonly string[]> {
  const records = await store.getRecords<IssuerRecord>(issuer.chain.map((id) => ISSUERS + id));
  return records.flatMap((each) => (each === undefined ? [] : [issuerPem(each)]));
}

export async function issuerData(
  store: Reader,
  issuer: StoredIssuer,
): Promise<Readonly<Record<string, unknown>>> {
  const urls = issuer.aia ?? NO_URLS;
  const { revokedMs } = issuer;
  return {
    issuer_id: issuer.id,
    issuer_name: issuer.name,
    key_id: issuer.keyId,
    certificate: issuerPem(issuer),
    manual_chain: issuer.manualChain.length === 0 ? null : issuer.manualChain,
    ca_chain: await chainPems(store, issuer),
    leaf_not_after_behavior: issuer.leafBehavior,
    usage: usageText(issuer.usage),
    revocation_signature_algorithm: issuer.revocationAlgorithm,
    revoked: revokedMs !== undefined,
    ...Object.fromEntries(
      URL_LISTS.map(([shown, stored]) => [
        shown,
        // Beside a list that is set, one that is not has no value at all.
        issuer.aia !== undefined && urls[stored].length === 0 ? null : urls[stored],
      ]),
    ),
    ...(revokedMs === undefined
      ? {}
      : {
          revocation_time: Math.floor(revokedMs / 1000),
          revocation_time_rfc3339: formatTime(revokedMs),
        }),
    ...(issuer.aia === undefined ? {} : { enable_aia_url_templating: issuer.aia.enableTemplating }),
  };
}

export function issuerWarnings(issuer: StoredIssuer): string[] {
  return issuer.revocationAlgorithm.endsWith('PSS') ? [PSS_DOWNGRADED] : [];
}
