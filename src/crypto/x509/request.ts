/** Certification requests (RFC 2986) with their extensions, read and made. */
import type { KeyObject } from 'node:crypto';
import { DER, DerError, derElements, derOf, derSequence } from '../der.ts';
import { bitsOf, contextTag, derInteger, derOid, oidOf } from '../der-values.ts';
import { verifyBytes } from './algorithms.ts';
import type { SignatureAlgorithm } from './algorithms.ts';
import { readExtensions } from './certificate.ts';
import { encodeExtension } from './extensions.ts';
import type { Extension } from './extensions.ts';
import { signed } from './make-certificate.ts';

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';

export interface CertificationRequest {
  /** Name in DER. */
  readonly subject: Buffer;
  readonly publicKeyInfo: Buffer;
  readonly extensions: readonly Extension[];
  /** The signature proves that the requester holds the key. */
  readonly isSigned: boolean;
}

/** @throws {DerError} */
export function readRequest(der: Buffer): CertificationRequest {
  const [info, algorithm, signature] = derSequence(der);
  if (info?.tag !== DER.sequence || algorithm?.tag !== DER.sequence) {
    throw new DerError('not a certification request');
  }
  const [version, subject, key, attributes] = derElements(info.content);
  if (version?.tag !== DER.integer || subject?.tag !== DER.sequence || key?.tag !== DER.sequence) {
    throw new DerError('not a certification request');
  }
  return {
    subject: subject.whole,
    publicKeyInfo: key.whole,
    extensions: attributes === undefined ? [] : requestedExtensions(attributes.content),
    isSigned: verifyBytes(algorithm.whole, info.whole, bitsOf(signature), key.whole),
  };
}

function requestedExtensions(attributes: Buffer): Extension[] {
  const found: Extension[] = [];
  for (const attribute of derElements(attributes)) {
    const [oid, values] = derElements(attribute.content);
    if (oidOf(oid) !== EXTENSION_REQUEST) continue;
    const [first] = derElements(values?.content ?? Buffer.alloc(0));
    if (first !== undefined) found.push(...readExtensions(first.whole));
  }
  return found;
}

/** The request in DER. */
export async function makeRequest(
  template: Omit<CertificationRequest, 'isSigned'>,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
): Promise<Buffer> {
  const extensions = derOf(DER.sequence, ...template.extensions.map(encodeExtension));
  const attributes =
    template.extensions.length === 0
      ? []
      : [derOf(DER.sequence, derOid(EXTENSION_REQUEST), derOf(DER.set, extensions))];
  const info = derOf(
    DER.sequence,
    derInteger(0),
    template.subject,
    template.publicKeyInfo,
    derOf(contextTag(0, true), ...attributes),
  );
  return await signed(info, algorithm, key);
}
