/** Reads certificates that callers present. Loaded when the first one comes: the parser is large. */
import './class-metadata.ts';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Presented } from './chain.ts';

/** Basic constraints, key usage, extended key usage, alternative names, policies. */
const UNDERSTOOD = new Set(['2.5.29.19', '2.5.29.15', '2.5.29.37', '2.5.29.17', '2.5.29.32']);
/** Most certificates in one text. */
const CERTIFICATES_MAX = 64;
/** DER tags of UTF8String, PrintableString, T61String, IA5String, UTCTime is none of them. */
const STRING_TAGS = new Set([0x0c, 0x13, 0x14, 0x16]);

/** The text of a short or long form DER string; '' for anything else. */
function derText(value: Buffer): string {
  const [tag = 0, first = 0] = value;
  if (!STRING_TAGS.has(tag)) return '';
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 3) return '';
  const start = 2 + lengthBytes;
  const length = lengthBytes === 0 ? first : value.readUIntBE(2, lengthBytes);
  return value.length === start + length ? value.subarray(start).toString('utf8') : '';
}

/** Undefined when the bytes are no certificate. */
export function readPresented(der: Buffer): Presented | undefined {
  try {
    return read(der);
  } catch {
    return undefined;
  }
}

function read(der: Buffer): Presented {
  const native = new X509Certificate(der);
  const parsed = new x509.X509Certificate(new Uint8Array(der));
  const names = parsed.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const named = (type: string): string[] =>
    names.filter((name) => name.type === type).map((name) => name.value);
  const constraints = parsed.getExtension(x509.BasicConstraintsExtension);
  return {
    der,
    native,
    commonName: parsed.subjectName.getField('CN')[0] ?? '',
    organizationalUnits: parsed.subjectName.getField('OU'),
    dnsNames: named('dns'),
    emails: named('email'),
    uris: named('url'),
    serialNumber: BigInt(`0x${parsed.serialNumber}`).toString(),
    subjectKeyId: parsed.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? '',
    authorityKeyId: parsed.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId ?? '',
    issuer: native.issuer,
    isCa: native.ca,
    pathLength: constraints?.pathLength,
    extendedUsages: parsed
      .getExtension(x509.ExtendedKeyUsageExtension)
      ?.usages.map((usage) => String(usage)),
    extensions: new Map(
      parsed.extensions.map((each) => [each.type, derText(Buffer.from(each.value))]),
    ),
    hasUnknownCritical: parsed.extensions.some(
      (each) => each.critical && !UNDERSTOOD.has(each.type),
    ),
  };
}

/** Certificates of a PEM text; undefined when there is none, or one that cannot be read. */
export function readPem(pem: string): readonly Presented[] | undefined {
  const blocks = pem.match(
    /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g,
  );
  if (blocks === null || blocks.length > CERTIFICATES_MAX) return undefined;
  const found: Presented[] = [];
  for (const block of blocks) {
    const base64 = block.replace(/-----[A-Z ]+-----/g, '');
    const certificate = readPresented(Buffer.from(base64, 'base64'));
    if (certificate === undefined) return undefined;
    found.push(certificate);
  }
  return found;
}
