/** Certificate revocation lists (RFC 5280 §5): made, and read as far as an authority needs it. */
import type { KeyObject } from 'node:crypto';
import { DER, DerError, derElements, derOf, derSequence } from '../der.ts';
import {
  bitsOf,
  contextTag,
  derInteger,
  derTime,
  derUnsigned,
  TIME_TAGS,
  timeOf,
  withoutLeadingZeros,
} from '../der-values.ts';
import { verifyBytes } from './algorithms.ts';
import type { SignatureAlgorithm } from './algorithms.ts';
import { readExtensions } from './certificate.ts';
import { encodeExtension } from './extensions.ts';
import type { Extension } from './extensions.ts';
import { signed } from './make-certificate.ts';

export interface RevokedEntry {
  /** Magnitude, big-endian. */
  readonly serial: Buffer;
  readonly revokedMs: number;
  readonly extensions?: readonly Extension[];
}

export interface RevocationListTemplate {
  /** Name in DER. */
  readonly issuer: Buffer;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly revoked: readonly RevokedEntry[];
  readonly extensions: readonly Extension[];
}

const VERSION_2 = derInteger(1);

function encodeEntry({ serial, revokedMs, extensions = [] }: RevokedEntry): Buffer {
  return derOf(
    DER.sequence,
    derUnsigned(serial),
    derTime(revokedMs),
    ...(extensions.length === 0 ? [] : [derOf(DER.sequence, ...extensions.map(encodeExtension))]),
  );
}

/** The list in DER. */
export async function makeRevocationList(
  template: RevocationListTemplate,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
): Promise<Buffer> {
  const revoked =
    template.revoked.length === 0
      ? []
      : [derOf(DER.sequence, ...template.revoked.map(encodeEntry))];
  const content = derOf(
    DER.sequence,
    VERSION_2,
    algorithm.identifier,
    template.issuer,
    derTime(template.thisUpdateMs),
    derTime(template.nextUpdateMs),
    ...revoked,
    derOf(contextTag(0, true), derOf(DER.sequence, ...template.extensions.map(encodeExtension))),
  );
  return await signed(content, algorithm, key);
}

export interface RevocationList {
  readonly issuer: Buffer;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly revoked: readonly RevokedEntry[];
  readonly extensions: readonly Extension[];
  readonly isSignedBy: (publicKeyInfo: Buffer) => boolean;
}

/** Most entries of one list. */
const REVOKED_MAX = 1_000_000;

/** @throws {DerError} */
export function readRevocationList(der: Buffer): RevocationList {
  const [content, algorithm, signature] = derSequence(der);
  if (content?.tag !== DER.sequence || algorithm?.tag !== DER.sequence) {
    throw new DerError('not a revocation list');
  }
  const fields = derElements(content.content);
  if (fields[0]?.tag === DER.integer) fields.shift();
  const [, issuer, thisUpdate, ...rest] = fields;
  if (issuer?.tag !== DER.sequence) throw new DerError('not a revocation list');
  const isTime = rest[0]?.tag === TIME_TAGS.utc || rest[0]?.tag === TIME_TAGS.generalized;
  const nextUpdate = isTime ? rest.shift() : undefined;
  const revoked = rest[0]?.tag === DER.sequence ? rest.shift() : undefined;
  const extensions = rest.find((each) => each.tag === contextTag(0, true));
  const bits = bitsOf(signature);
  return {
    issuer: issuer.whole,
    thisUpdateMs: timeOf(thisUpdate),
    nextUpdateMs: nextUpdate === undefined ? undefined : timeOf(nextUpdate),
    revoked: derElements(revoked?.content ?? Buffer.alloc(0), REVOKED_MAX).map(
      ({ content: entry }) => {
        const [serial, time, more] = derElements(entry);
        if (serial?.tag !== DER.integer) throw new DerError('not a revoked certificate');
        return {
          serial: withoutLeadingZeros(serial.content),
          revokedMs: timeOf(time),
          ...(more === undefined ? {} : { extensions: readExtensions(more.whole) }),
        };
      },
    ),
    extensions: extensions === undefined ? [] : readExtensions(extensions.content),
    isSignedBy: (publicKeyInfo) => verifyBytes(algorithm.whole, content.whole, bits, publicKeyInfo),
  };
}
