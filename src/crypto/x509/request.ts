/** Certification requests (RFC 2986) with their extensions, read and made. */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { DER, DerError, derElements, derOf, derSequence } from '../der.ts';
import type { DerElement } from '../der.ts';
import { bitsOf, contextTag, derInteger, derOid, oidOf } from '../der-values.ts';
import { algorithmForRequest, verifyBytes } from './algorithms.ts';
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
  const [, subject, key, attributes] = infoOf(info);
  if (info === undefined || algorithm?.tag !== DER.sequence) {
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

/**
 * A request for `key`, in DER. @param template a request in DER whose subject and attributes are taken over; without it both are
 * empty. @throws {DerError} the template is none. @throws {RangeError} keys of this type do not sign requests
 */
export async function requestLike(key: KeyObject, template?: Buffer): Promise<Buffer> {
  const { subject, attributes } = template === undefined ? EMPTY : partsOf(template);
  const publicKeyInfo = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const info = derOf(DER.sequence, derInteger(0), subject, publicKeyInfo, attributes);
  return await signed(info, algorithmForRequest(key), key);
}

const EMPTY = { subject: derOf(DER.sequence), attributes: derOf(DER.context0) };

/** @throws {DerError} */
function partsOf(template: Buffer): typeof EMPTY {
  const [, subject, , attributes] = infoOf(derSequence(template)[0]);
  return { subject: subject.whole, attributes: attributes?.whole ?? EMPTY.attributes };
}

type Info = readonly [DerElement, DerElement, DerElement, DerElement | undefined];

/** Version, subject, key and attributes. @throws {DerError} */
function infoOf(info: DerElement | undefined): Info {
  const [version, subject, key, attributes] =
    info?.tag === DER.sequence ? derElements(info.content) : [];
  if (version?.tag !== DER.integer || subject?.tag !== DER.sequence || key?.tag !== DER.sequence) {
    throw new DerError('not a certification request');
  }
  return [version, subject, key, attributes];
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
