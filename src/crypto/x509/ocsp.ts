/** Online certificate status (RFC 6960): requests read, responses made. */
import { createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { DER, DerError, derElements, derOf, derSequence } from '../der.ts';
import {
  bitsOf,
  contextTag,
  derBitString,
  derEnumerated,
  derGeneralizedTime,
  derOctets,
  derOid,
  octetsOf,
  oidOf,
  withoutLeadingZeros,
} from '../der-values.ts';
import { signBytes } from './algorithms.ts';
import type { SignatureAlgorithm } from './algorithms.ts';
import type { Certificate } from './certificate.ts';

/** Hashes that a request may name its issuer with. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

const NONCE = '1.3.6.1.5.5.7.48.1.2';
/** RFC 8954 §2.1. */
const NONCE_BYTES_MAX = 128;

export interface StatusRequest {
  /** CertID as it was written: the response repeats it. */
  readonly certificateId: Buffer;
  readonly hash: string;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  readonly serial: Buffer;
  /** The nonce extension as it was written; undefined without one. */
  readonly nonce: Buffer | undefined;
}

/** The first certificate that a request asks for. @throws {DerError} */
export function readStatusRequest(der: Buffer): StatusRequest {
  const [tbs] = derSequence(der);
  if (tbs?.tag !== DER.sequence) throw new DerError('not a status request');
  const fields = derElements(tbs.content);
  const list = fields.find((each) => each.tag === DER.sequence);
  const [first] = derElements(list?.content ?? Buffer.alloc(0));
  const [id] = derElements(first?.content ?? Buffer.alloc(0));
  if (id?.tag !== DER.sequence) throw new DerError('not a status request');
  const [algorithm, nameHash, keyHash, serial] = derElements(id.content);
  const hash = HASHES.get(oidOf(derElements(algorithm?.content ?? Buffer.alloc(0))[0]));
  if (hash === undefined) throw new DerError('an unknown hash');
  if (serial?.tag !== DER.integer) throw new DerError('not a status request');
  return {
    certificateId: id.whole,
    hash,
    issuerNameHash: octetsOf(nameHash),
    issuerKeyHash: octetsOf(keyHash),
    serial: withoutLeadingZeros(serial.content),
    nonce: nonceOf(fields.find((each) => each.tag === contextTag(2, true))?.content),
  };
}

function nonceOf(extensions: Buffer | undefined): Buffer | undefined {
  if (extensions === undefined) return undefined;
  const found = derSequence(extensions).find(
    (each) => oidOf(derElements(each.content)[0]) === NONCE,
  );
  return found !== undefined && found.whole.length <= NONCE_BYTES_MAX ? found.whole : undefined;
}

/** Whether the request is about certificates of this issuer. */
export function asksAbout(request: StatusRequest, issuer: Certificate): boolean {
  const digest = (bytes: Buffer): Buffer => createHash(request.hash).update(bytes).digest();
  return (
    digest(issuer.subject).equals(request.issuerNameHash) &&
    digest(publicKeyBits(issuer)).equals(request.issuerKeyHash)
  );
}

/** The public key itself, without its frame. @throws {DerError} */
export function publicKeyBits({ publicKeyInfo }: Pick<Certificate, 'publicKeyInfo'>): Buffer {
  return bitsOf(derSequence(publicKeyInfo)[1]);
}

export type CertificateStatus =
  | { readonly state: 'good' | 'unknown' }
  | { readonly state: 'revoked'; readonly revokedMs: number };

function encodeStatus(status: CertificateStatus): Buffer {
  if (status.state === 'revoked') {
    return derOf(contextTag(1, true), derGeneralizedTime(status.revokedMs));
  }
  return Buffer.of(contextTag(status.state === 'good' ? 0 : 2), 0);
}

const BASIC_RESPONSE = derOid('1.3.6.1.5.5.7.48.1.1');
const SUCCESSFUL = 0;

export interface StatusAnswer {
  readonly request: StatusRequest;
  readonly status: CertificateStatus;
  readonly producedMs: number;
  /** Undefined: newer information is always to be had. */
  readonly nextUpdateMs: number | undefined;
}

/** A response signed by the issuer itself, in DER. */
export async function makeStatusResponse(
  answer: StatusAnswer,
  issuer: Certificate,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
): Promise<Buffer> {
  const { request, status, producedMs, nextUpdateMs } = answer;
  const single = derOf(
    DER.sequence,
    request.certificateId,
    encodeStatus(status),
    derGeneralizedTime(producedMs),
    ...(nextUpdateMs === undefined
      ? []
      : [derOf(contextTag(0, true), derGeneralizedTime(nextUpdateMs))]),
  );
  const content = derOf(
    DER.sequence,
    derOf(contextTag(1, true), issuer.subject),
    derGeneralizedTime(producedMs),
    derOf(DER.sequence, single),
    ...(request.nonce === undefined
      ? []
      : [derOf(contextTag(1, true), derOf(DER.sequence, request.nonce))]),
  );
  const signature = await signBytes(algorithm, content, key);
  const basic = derOf(
    DER.sequence,
    content,
    algorithm.identifier,
    derBitString(signature),
    derOf(contextTag(0, true), derOf(DER.sequence, issuer.der)),
  );
  return derOf(
    DER.sequence,
    derEnumerated(SUCCESSFUL),
    derOf(contextTag(0, true), derOf(DER.sequence, BASIC_RESPONSE, derOctets(basic))),
  );
}

/** Responses that tell nothing but why there is none (RFC 6960 §4.2.1). */
export const STATUS_FAILURES: {
  readonly malformed: Buffer;
  readonly internal: Buffer;
  readonly unauthorized: Buffer;
} = {
  malformed: derOf(DER.sequence, derEnumerated(1)),
  internal: derOf(DER.sequence, derEnumerated(2)),
  unauthorized: derOf(DER.sequence, derEnumerated(6)),
};
