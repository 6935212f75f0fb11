/** The policy of a certificate that was made without one: what can be read off the certificate itself. */
import type { JsonObject } from '../../../base/json.ts';
import {
  altNamesOf,
  extendedUsagesOf,
  keyUsageOf,
  readCertificate,
} from '../../../crypto/x509/certificate.ts';
import { keyBitsOf, keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import { KEY_USAGE } from '../../../crypto/x509/extensions.ts';
import { readPublicKey } from '../../../crypto/x509/keys.ts';
import { readName } from '../../../crypto/x509/names.ts';
import { PFX } from './policy.ts';
import { subjectText } from './subject.ts';

const MONTH_MS = 30.44 * 86_400_000;

const USAGE_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [KEY_USAGE.digitalSignature, 'digitalSignature'],
  [KEY_USAGE.contentCommitment, 'nonRepudiation'],
  [KEY_USAGE.keyEncipherment, 'keyEncipherment'],
  [KEY_USAGE.dataEncipherment, 'dataEncipherment'],
  [KEY_USAGE.keyAgreement, 'keyAgreement'],
  [KEY_USAGE.certSign, 'keyCertSign'],
  [KEY_USAGE.crlSign, 'cRLSign'],
];

/** @param der the certificate. @param contentType of the value that was handed in. */
export function describedPolicy(der: Buffer, contentType: string = PFX): JsonObject {
  const certificate = readCertificate(der);
  const key = readPublicKey(certificate.publicKeyInfo);
  const isRsa = key !== undefined && keyTypeOf(key) === 'rsa';
  const bits = key === undefined ? 0 : keyBitsOf(key);
  const { dnsNames, emails } = altNamesOf(certificate);
  const sans: JsonObject = {
    ...(dnsNames.length === 0 ? {} : { dns_names: [...dnsNames] }),
    ...(emails.length === 0 ? {} : { emails: [...emails] }),
  };
  const usage = keyUsageOf(certificate) ?? 0;
  const months = Math.round((certificate.notAfterMs - certificate.notBeforeMs) / MONTH_MS);
  return {
    key_props: {
      exportable: true,
      kty: isRsa ? 'RSA' : 'EC',
      key_size: bits,
      ...(isRsa ? {} : { crv: `P-${bits}` }),
      reuse_key: false,
    },
    secret_props: { contentType },
    x509_props: {
      subject: subjectText(readName(certificate.subject)),
      ...(Object.keys(sans).length === 0 ? {} : { sans }),
      ekus: extendedUsagesOf(certificate),
      key_usage: USAGE_NAMES.filter(([bit]) => (usage & bit) !== 0).map(([, name]) => name),
      validity_months: Math.max(1, months),
    },
    lifetime_actions: [
      { trigger: { lifetime_percentage: 80 }, action: { action_type: 'EmailContacts' } },
    ],
    issuer: { name: 'Unknown' },
  };
}
