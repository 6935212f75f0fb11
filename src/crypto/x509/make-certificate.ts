/** Makes certificates (RFC 5280 §4.1): lean, so that a signature is most of the work. */
import type { KeyObject } from 'node:crypto';
import { DER, derOf } from '../der.ts';
import { contextTag, derBitString, derInteger, derTime, derUnsigned } from '../der-values.ts';
import { signBytes } from './algorithms.ts';
import type { SignatureAlgorithm } from './algorithms.ts';
import { encodeExtension } from './extensions.ts';
import type { Extension } from './extensions.ts';

export interface CertificateTemplate {
  /** Magnitude, big-endian. */
  readonly serial: Buffer;
  /** Names in DER. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeyInfo: Buffer;
  readonly extensions: readonly Extension[];
}

const VERSION_3 = derOf(contextTag(0, true), derInteger(2));

/** The certificate in DER. */
export async function makeCertificate(
  template: CertificateTemplate,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
): Promise<Buffer> {
  const extensions =
    template.extensions.length === 0
      ? []
      : [
          derOf(
            contextTag(3, true),
            derOf(DER.sequence, ...template.extensions.map(encodeExtension)),
          ),
        ];
  const tbs = derOf(
    DER.sequence,
    VERSION_3,
    derUnsigned(template.serial),
    algorithm.identifier,
    template.issuer,
    derOf(DER.sequence, derTime(template.notBeforeMs), derTime(template.notAfterMs)),
    template.subject,
    template.publicKeyInfo,
    ...extensions,
  );
  return await signed(tbs, algorithm, key);
}

/** What was signed, the algorithm and the signature in one SEQUENCE: the frame of everything in X.509. */
export async function signed(
  content: Buffer,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
): Promise<Buffer> {
  const signature = await signBytes(algorithm, content, key);
  return derOf(DER.sequence, content, algorithm.identifier, derBitString(signature));
}
