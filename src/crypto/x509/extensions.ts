/** Extensions of certificates, requests and revocation lists (RFC 5280 §4.2 and §5.2), as they are written. */
import { DER, DerError, derOf } from '../der.ts';
import {
  contextTag,
  derInteger,
  derBitString,
  derOctets,
  derOid,
  DER_TRUE,
  isAscii,
  STRING_TAGS,
} from '../der-values.ts';

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** What the OCTET STRING holds. */
  readonly value: Buffer;
}

export const EXTENSION_OIDS = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  deltaCrlIndicator: '2.5.29.27',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  /** RFC 8737 §3. */
  acmeIdentifier: '1.3.6.1.5.5.7.1.31',
} as const;

const encodedOids = new Map<string, Buffer>(
  Object.values(EXTENSION_OIDS).map((text) => [text, derOid(text)]),
);

function encodedOid(oid: string): Buffer {
  return encodedOids.get(oid) ?? derOid(oid);
}

export function encodeExtension({ oid, critical, value }: Extension): Buffer {
  return critical
    ? derOf(DER.sequence, encodedOid(oid), DER_TRUE, derOctets(value))
    : derOf(DER.sequence, encodedOid(oid), derOctets(value));
}

/** Bits of the key usage, most significant bit first as in RFC 5280 §4.2.1.3. */
export const KEY_USAGE: {
  readonly digitalSignature: number;
  readonly contentCommitment: number;
  readonly keyEncipherment: number;
  readonly dataEncipherment: number;
  readonly keyAgreement: number;
  readonly certSign: number;
  readonly crlSign: number;
  readonly encipherOnly: number;
  readonly decipherOnly: number;
} = {
  digitalSignature: 1 << 0,
  contentCommitment: 1 << 1,
  keyEncipherment: 1 << 2,
  dataEncipherment: 1 << 3,
  keyAgreement: 1 << 4,
  certSign: 1 << 5,
  crlSign: 1 << 6,
  encipherOnly: 1 << 7,
  decipherOnly: 1 << 8,
};

export function keyUsage(bits: number): Extension {
  const bytes = Buffer.alloc(bits >= KEY_USAGE.decipherOnly ? 2 : 1);
  let last = 0;
  for (let bit = 0; bit <= 8; bit++) {
    if ((bits & (1 << bit)) === 0) continue;
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    last = bit;
  }
  const unused = bytes.length * 8 - last - 1;
  return { oid: EXTENSION_OIDS.keyUsage, critical: true, value: derBitString(bytes, unused) };
}

export function extendedKeyUsage(oids: readonly string[]): Extension {
  return {
    oid: EXTENSION_OIDS.extendedKeyUsage,
    critical: false,
    value: derOf(DER.sequence, ...oids.map(derOid)),
  };
}

/** @param pathLength undefined: no limit. */
export function basicConstraints(isCa: boolean, pathLength?: number): Extension {
  const parts = isCa ? [DER_TRUE] : [];
  if (isCa && pathLength !== undefined) parts.push(derInteger(pathLength));
  return {
    oid: EXTENSION_OIDS.basicConstraints,
    critical: true,
    value: derOf(DER.sequence, ...parts),
  };
}

export function subjectKeyId(id: Buffer): Extension {
  return { oid: EXTENSION_OIDS.subjectKeyId, critical: false, value: derOctets(id) };
}

export function authorityKeyId(id: Buffer): Extension {
  const value = derOf(DER.sequence, derOf(contextTag(0), id));
  return { oid: EXTENSION_OIDS.authorityKeyId, critical: false, value };
}

const URI_TAG = contextTag(6);

const OCSP_METHOD = derOid('1.3.6.1.5.5.7.48.1');
const ISSUERS_METHOD = derOid('1.3.6.1.5.5.7.48.2');

export function authorityInfoAccess(
  ocspServers: readonly string[],
  issuingCertificates: readonly string[],
): Extension {
  const row = (method: Buffer, url: string): Buffer =>
    derOf(DER.sequence, method, derOf(URI_TAG, Buffer.from(url)));
  return {
    oid: EXTENSION_OIDS.authorityInfoAccess,
    critical: false,
    value: derOf(
      DER.sequence,
      ...ocspServers.map((url) => row(OCSP_METHOD, url)),
      ...issuingCertificates.map((url) => row(ISSUERS_METHOD, url)),
    ),
  };
}

/** Where revocation lists are; with {@link EXTENSION_OIDS.freshestCrl}, where the changes to them are. */
export function distributionPoints(urls: readonly string[], oid: string): Extension {
  const points = urls.map((url) =>
    derOf(
      DER.sequence,
      derOf(contextTag(0, true), derOf(contextTag(0, true), derOf(URI_TAG, Buffer.from(url)))),
    ),
  );
  return { oid, critical: false, value: derOf(DER.sequence, ...points) };
}

export interface AltNames {
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  /** Four or sixteen bytes each. */
  readonly ipAddresses: readonly Buffer[];
  readonly uris: readonly string[];
  readonly others: readonly { readonly oid: string; readonly value: string }[];
}

export function hasAltNames(names: AltNames): boolean {
  return (
    names.dnsNames.length +
      names.emails.length +
      names.ipAddresses.length +
      names.uris.length +
      names.others.length >
    0
  );
}

function ia5(text: string): Buffer {
  if (!isAscii(text)) throw new DerError('a name with characters beyond ASCII');
  return Buffer.from(text, 'latin1');
}

/** @throws {DerError} for a name that is not ASCII */
export function subjectAltName(names: AltNames, critical: boolean): Extension {
  const others = names.others.map(({ oid, value }) =>
    derOf(
      contextTag(0, true),
      derOid(oid),
      derOf(contextTag(0, true), derOf(STRING_TAGS.utf8, Buffer.from(value, 'utf8'))),
    ),
  );
  return {
    oid: EXTENSION_OIDS.subjectAltName,
    critical,
    value: derOf(
      DER.sequence,
      ...others,
      ...names.dnsNames.map((name) => derOf(contextTag(2), ia5(name))),
      ...names.emails.map((name) => derOf(contextTag(1), ia5(name))),
      ...names.ipAddresses.map((address) => derOf(contextTag(7), address)),
      ...names.uris.map((uri) => derOf(URI_TAG, ia5(uri))),
    ),
  };
}

export interface PolicyInformation {
  readonly oid: string;
  /** Where the certification practice statement is. */
  readonly cps?: string;
  readonly notice?: string;
}

const CPS = derOid('1.3.6.1.5.5.7.2.1');
const USER_NOTICE = derOid('1.3.6.1.5.5.7.2.2');

/** RFC 5280 §4.2.1.4. */
export function certificatePolicies(policies: readonly PolicyInformation[]): Extension {
  const rows = policies.map(({ oid, cps = '', notice = '' }) => {
    const qualifiers: Buffer[] = [];
    if (cps !== '') {
      qualifiers.push(derOf(DER.sequence, CPS, derOf(STRING_TAGS.ia5, ia5(cps))));
    }
    if (notice !== '') {
      const text = derOf(STRING_TAGS.utf8, Buffer.from(notice, 'utf8'));
      qualifiers.push(derOf(DER.sequence, USER_NOTICE, derOf(DER.sequence, text)));
    }
    return qualifiers.length === 0
      ? derOf(DER.sequence, derOid(oid))
      : derOf(DER.sequence, derOid(oid), derOf(DER.sequence, ...qualifiers));
  });
  return {
    oid: EXTENSION_OIDS.certificatePolicies,
    critical: false,
    value: derOf(DER.sequence, ...rows),
  };
}

/** Only names below these domains may be certified (RFC 5280 §4.2.1.10). */
export function permittedDnsDomains(domains: readonly string[]): Extension {
  const rows = domains.map((domain) => derOf(DER.sequence, derOf(contextTag(2), ia5(domain))));
  return {
    oid: EXTENSION_OIDS.nameConstraints,
    critical: true,
    value: derOf(DER.sequence, derOf(contextTag(0, true), ...rows)),
  };
}

export function crlNumber(number: number): Extension {
  return { oid: EXTENSION_OIDS.crlNumber, critical: false, value: derInteger(number) };
}

export function deltaCrlIndicator(baseNumber: number): Extension {
  return { oid: EXTENSION_OIDS.deltaCrlIndicator, critical: true, value: derInteger(baseNumber) };
}
