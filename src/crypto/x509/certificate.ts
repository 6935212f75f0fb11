/** Certificates taken apart without ceremony (RFC 5280 §4.1): what an authority must know of its own and of others'. */
import { DER, DerError, derElements, derSequence } from '../der.ts';
import type { DerElement } from '../der.ts';
import {
  bitsOf,
  contextTag,
  isBoolean,
  octetsOf,
  oidOf,
  timeOf,
  withoutLeadingZeros,
} from '../der-values.ts';
import { verifyBytes } from './algorithms.ts';
import { EXTENSION_OIDS, KEY_USAGE } from './extensions.ts';
import type { AltNames, Extension } from './extensions.ts';

export interface Certificate {
  readonly der: Buffer;
  readonly tbs: Buffer;
  /** Magnitude, big-endian. */
  readonly serial: Buffer;
  /** Names as they are written. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Buffer;
  readonly extensions: readonly Extension[];
  /** AlgorithmIdentifier. */
  readonly algorithm: Buffer;
  readonly signature: Buffer;
}

/** `0a:1b:…`, as the API writes serial numbers. */
export function serialText(serial: Buffer): string {
  return hexText(serial, ':');
}

export function hexText(bytes: Buffer, separator: string): string {
  return bytes.toString('hex').replace(/(..)(?=.)/g, `$1${separator}`);
}

function need(element: DerElement | undefined, tag: number): DerElement {
  if (element?.tag !== tag) throw new DerError('not a certificate');
  return element;
}

/** @throws {DerError} */
export function readCertificate(der: Buffer): Certificate {
  const [tbs, algorithm, signature] = derSequence(der);
  const fields = derElements(need(tbs, DER.sequence).content);
  // Version 1 has no version field, and nothing that needs extensions.
  if (fields[0]?.tag === contextTag(0, true)) fields.shift();
  const [serial, , issuer, validity, subject, key, ...rest] = fields;
  const [notBefore, notAfter] = derElements(need(validity, DER.sequence).content);
  const extensions = rest.find((each) => each.tag === contextTag(3, true));
  return {
    der,
    tbs: need(tbs, DER.sequence).whole,
    serial: withoutLeadingZeros(need(serial, DER.integer).content),
    issuer: need(issuer, DER.sequence).whole,
    subject: need(subject, DER.sequence).whole,
    notBeforeMs: timeOf(notBefore),
    notAfterMs: timeOf(notAfter),
    publicKeyInfo: need(key, DER.sequence).whole,
    extensions: extensions === undefined ? [] : readExtensions(extensions.content),
    algorithm: need(algorithm, DER.sequence).whole,
    signature: bitsOf(signature),
  };
}

/** Most extensions of one certificate, request or list. */
const EXTENSIONS_MAX = 256;

/** @param sequence Extensions. @throws {DerError} also when one stands there twice */
export function readExtensions(sequence: Buffer): Extension[] {
  const found: Extension[] = [];
  const elements = derSequence(sequence);
  if (elements.length > EXTENSIONS_MAX) throw new DerError('too many extensions');
  for (const element of elements) {
    const [oid, second, third] = derElements(element.content);
    const critical = isBoolean(second) && second?.content[0] !== 0;
    const value = octetsOf(isBoolean(second) ? third : second);
    const name = oidOf(oid);
    if (found.some((each) => each.oid === name)) throw new DerError('an extension stands twice');
    found.push({ oid: name, critical, value });
  }
  return found;
}

export function extensionOf(
  { extensions }: Pick<Certificate, 'extensions'>,
  oid: string,
): Extension | undefined {
  return extensions.find((each) => each.oid === oid);
}

export interface BasicConstraints {
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
}

/** Undefined without the extension. @throws {DerError} */
export function basicConstraintsOf(
  certificate: Pick<Certificate, 'extensions'>,
): BasicConstraints | undefined {
  const extension = extensionOf(certificate, EXTENSION_OIDS.basicConstraints);
  if (extension === undefined) return undefined;
  const parts = derSequence(extension.value);
  const isCa = isBoolean(parts[0]) && parts[0]?.content[0] !== 0;
  const length = isBoolean(parts[0]) ? parts[1] : parts[0];
  const bytes = length === undefined ? undefined : withoutLeadingZeros(length.content);
  const pathLength =
    bytes === undefined
      ? undefined
      : bytes.length > 4
        ? 0xffff_ffff
        : Number(`0x0${bytes.toString('hex')}`);
  return { isCa, pathLength };
}

export function isAuthority(certificate: Pick<Certificate, 'extensions'>): boolean {
  return basicConstraintsOf(certificate)?.isCa === true;
}

/** Bits of {@link KEY_USAGE}; undefined without the extension. */
export function keyUsageOf(certificate: Pick<Certificate, 'extensions'>): number | undefined {
  const extension = extensionOf(certificate, EXTENSION_OIDS.keyUsage);
  if (extension === undefined) return undefined;
  const [element] = derElements(extension.value);
  if (element?.tag !== DER.bitString) throw new DerError('not a key usage');
  const [, first = 0, second = 0] = element.content;
  let bits = 0;
  for (let bit = 0; bit < 8; bit++) if ((first & (0x80 >> bit)) !== 0) bits |= 1 << bit;
  return (second & 0x80) === 0 ? bits : bits | KEY_USAGE.decipherOnly;
}

/** Empty without the extension. */
export function subjectKeyIdOf(certificate: Pick<Certificate, 'extensions'>): Buffer {
  const extension = extensionOf(certificate, EXTENSION_OIDS.subjectKeyId);
  return extension === undefined ? Buffer.alloc(0) : octetsOf(derElements(extension.value)[0]);
}

/** Empty without the extension, or without a key identifier in it. */
export function authorityKeyIdOf(certificate: Pick<Certificate, 'extensions'>): Buffer {
  const extension = extensionOf(certificate, EXTENSION_OIDS.authorityKeyId);
  if (extension === undefined) return Buffer.alloc(0);
  const id = derSequence(extension.value).find((each) => each.tag === contextTag(0));
  return id?.content ?? Buffer.alloc(0);
}

export function isSelfIssued({ issuer, subject }: Certificate): boolean {
  return issuer.equals(subject);
}

/** Whether `parent` may sign certificates and has signed this one (RFC 5280 §6.1.3). */
export function isSignedBy(child: Certificate, parent: Certificate): boolean {
  if (!child.issuer.equals(parent.subject) || !isAuthority(parent)) return false;
  const usage = keyUsageOf(parent);
  if (usage !== undefined && (usage & KEY_USAGE.certSign) === 0) return false;
  return verifyBytes(child.algorithm, child.tbs, child.signature, parent.publicKeyInfo);
}

const NO_NAMES: AltNames = { dnsNames: [], emails: [], ipAddresses: [], uris: [], others: [] };

/** Names of the subject alternative name extension; kinds that are not listed are left out. @throws {DerError} */
export function altNamesOf(certificate: Pick<Certificate, 'extensions'>): AltNames {
  const extension = extensionOf(certificate, EXTENSION_OIDS.subjectAltName);
  if (extension === undefined) return NO_NAMES;
  const elements = derSequence(extension.value);
  const texts = (number: number): string[] =>
    elements
      .filter((each) => each.tag === contextTag(number))
      .map((each) => each.content.toString('latin1'));
  return {
    dnsNames: texts(2),
    emails: texts(1),
    ipAddresses: elements.filter((each) => each.tag === contextTag(7)).map((each) => each.content),
    uris: texts(6),
    others: elements.filter((each) => each.tag === contextTag(0, true)).map(readOtherName),
  };
}

/** Domains that the certificates below an authority are confined to. @throws {DerError} */
export function permittedDnsDomainsOf(certificate: Pick<Certificate, 'extensions'>): string[] {
  const extension = extensionOf(certificate, EXTENSION_OIDS.nameConstraints);
  if (extension === undefined) return [];
  const permitted = derSequence(extension.value).find((each) => each.tag === contextTag(0, true));
  return derElements(permitted?.content ?? Buffer.alloc(0)).flatMap((subtree) =>
    derElements(subtree.content)
      .filter((each) => each.tag === contextTag(2))
      .map((each) => each.content.toString('latin1')),
  );
}

/** Kinds of general name in the extension that {@link altNamesOf} does not give. */
export function hasFurtherNames(certificate: Pick<Certificate, 'extensions'>): boolean {
  const extension = extensionOf(certificate, EXTENSION_OIDS.subjectAltName);
  if (extension === undefined) return false;
  const known = [contextTag(0, true), ...[1, 2, 6, 7].map((number) => contextTag(number))];
  return derSequence(extension.value).some((each) => !known.includes(each.tag));
}

const UTF8 = 0x0c;

function readOtherName(element: DerElement): { readonly oid: string; readonly value: string } {
  const [oid, wrapped] = derElements(element.content);
  const [value] = derElements(need(wrapped, contextTag(0, true)).content);
  if (value?.tag !== UTF8) throw new DerError('no UTF-8 string found in OtherName');
  return { oid: oidOf(oid), value: value.content.toString('utf8') };
}

/** Object identifiers of the extended key usage; empty without it. */
export function extendedUsagesOf(certificate: Pick<Certificate, 'extensions'>): string[] {
  const extension = extensionOf(certificate, EXTENSION_OIDS.extendedKeyUsage);
  return extension === undefined ? [] : derSequence(extension.value).map((each) => oidOf(each));
}
