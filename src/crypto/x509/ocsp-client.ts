/**
 * Online certificate status, the asking side (RFC 6960): requests made, responses judged. A response counts only for the very
 * certificate that was asked for, signed by its issuer or somebody whom that has named, and in time (CVE-2024-2660).
 */
import { createHash } from 'node:crypto';
import { DER, DerError, derElements, derOf, derSequence } from '../der.ts';
import type { DerElement } from '../der.ts';
import {
  DER_NULL,
  bitsOf,
  contextTag,
  derOctets,
  derOid,
  derUnsigned,
  octetsOf,
  oidOf,
  timeOf,
} from '../der-values.ts';
import { verifyBytes } from './algorithms.ts';
import { extendedUsagesOf, isSignedBy, readCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { publicKeyBits } from './ocsp.ts';

const SHA1 = '1.3.14.3.2.26';
const NONCE = '1.3.6.1.5.5.7.48.1.2';
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const ENUMERATED = 0x0a;
/** Clocks may differ by as much. */
const SKEW_MS = 5 * 60_000;
/** A response that names no end is believed for as long. */
const UNDATED_MS = 60 * 60_000;

/** The response says nothing about the certificate; the message is for the log. */
export class OcspError extends Error {
  override readonly name = 'OcspError';
}

/** CertID with SHA-1, the one hash that every responder knows; it names, it proves nothing. */
function certificateId(certificate: Certificate, issuer: Certificate): Buffer {
  const digest = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest();
  return derOf(
    DER.sequence,
    derOf(DER.sequence, derOid(SHA1), DER_NULL),
    derOctets(digest(issuer.subject)),
    derOctets(digest(publicKeyBits(issuer))),
    derUnsigned(certificate.serial),
  );
}

/** A request about one certificate, in DER. */
export function makeStatusRequest(
  certificate: Certificate,
  issuer: Certificate,
  nonce: Buffer,
): Buffer {
  const extension = derOf(DER.sequence, derOid(NONCE), derOctets(derOctets(nonce)));
  return derOf(
    DER.sequence,
    derOf(
      DER.sequence,
      derOf(DER.sequence, derOf(DER.sequence, certificateId(certificate, issuer))),
      derOf(contextTag(2, true), derOf(DER.sequence, extension)),
    ),
  );
}

export interface StatusQuestion {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly nonce: Buffer;
  /** Responders, or authorities of responders, that are trusted beside the issuer. */
  readonly trusted: readonly Certificate[];
  readonly nowMs: number;
}

export interface JudgedStatus {
  readonly state: 'good' | 'revoked' | 'unknown';
  /** Until when the response may be used again. */
  readonly untilMs: number;
}

/** @throws {OcspError} when the response is none that counts */
export function judgeStatusResponse(der: Buffer, question: StatusQuestion): JudgedStatus {
  try {
    return judged(der, question);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new OcspError('the answer is no OCSP response', { cause: error });
  }
}

function judged(der: Buffer, question: StatusQuestion): JudgedStatus {
  const [status, bytes] = derSequence(der);
  if (status?.tag !== ENUMERATED || status.content.length !== 1)
    throw new DerError('not an OCSP response');
  if (status.content[0] !== 0)
    throw new OcspError(`the responder answered with error ${status.content[0]}`);
  const [type, basic] = derSequence(bytes?.content ?? Buffer.alloc(0));
  if (oidOf(type) !== BASIC_RESPONSE) throw new DerError('not a basic response');
  const [content, algorithm, signature, certificates] = derSequence(octetsOf(basic));
  if (content?.tag !== DER.sequence || algorithm?.tag !== DER.sequence)
    throw new DerError('not a basic response');
  const signers = trustedSigners(certificates, question);
  const bits = bitsOf(signature);
  if (
    !signers.some(({ publicKeyInfo }) =>
      verifyBytes(algorithm.whole, content.whole, bits, publicKeyInfo),
    )
  )
    throw new OcspError('nobody who may has signed the response');
  return statusIn(derElements(content.content), question);
}

/** The issuer, responders that it has named (RFC 6960 §4.2.2.2), and those of the configuration. */
function trustedSigners(
  element: DerElement | undefined,
  { issuer, trusted, nowMs }: StatusQuestion,
): readonly Certificate[] {
  const sent =
    element?.tag === contextTag(0, true)
      ? derSequence(element.content).map(({ whole }) => readCertificate(whole))
      : [];
  const named = sent.filter(
    (each) =>
      nowMs >= each.notBeforeMs &&
      nowMs <= each.notAfterMs &&
      extendedUsagesOf(each).includes(OCSP_SIGNING) &&
      [issuer, ...trusted].some((authority) => isSignedBy(each, authority)),
  );
  return [issuer, ...trusted, ...named];
}

function statusIn(fields: readonly DerElement[], question: StatusQuestion): JudgedStatus {
  const { certificate, issuer, nonce, nowMs } = question;
  checkNonce(fields, nonce);
  const list = fields.find((each) => each.tag === DER.sequence);
  const wanted = certificateId(certificate, issuer);
  for (const single of derElements(list?.content ?? Buffer.alloc(0))) {
    const [id, state, thisUpdate, nextUpdate] = derElements(single.content);
    if (id === undefined || !id.whole.equals(wanted)) continue;
    const fromMs = timeOf(thisUpdate);
    const next = nextUpdate?.tag === contextTag(0, true) ? derElements(nextUpdate.content) : [];
    const untilMs = next[0] === undefined ? fromMs + UNDATED_MS : timeOf(next[0]);
    if (fromMs > nowMs + SKEW_MS) throw new OcspError('the response is from the future');
    if (untilMs < nowMs - SKEW_MS) throw new OcspError('the response is out of date');
    return { state: stateOf(state), untilMs };
  }
  throw new OcspError('the response is about another certificate');
}

function stateOf(element: DerElement | undefined): JudgedStatus['state'] {
  if (element?.tag === contextTag(0)) return 'good';
  return element?.tag === contextTag(1, true) ? 'revoked' : 'unknown';
}

/** A responder may leave the nonce out (RFC 8954 §2.2), but not give another. */
function checkNonce(fields: readonly DerElement[], nonce: Buffer): void {
  const extensions = fields.find((each) => each.tag === contextTag(1, true) && each !== fields[0]);
  if (extensions === undefined) return;
  let found: DerElement[];
  try {
    found = derSequence(extensions.content);
  } catch {
    return;
  }
  for (const { content } of found) {
    const [oid, value] = derElements(content);
    if (oid?.tag === DER.objectId && oidOf(oid) === NONCE) {
      const [inner] = derElements(octetsOf(value));
      if (!octetsOf(inner).equals(nonce)) throw new OcspError('the nonce is another request’s');
    }
  }
}
