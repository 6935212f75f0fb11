/** Certification requests (PKCS #10, RFC 2986): one for a key, with what a template asks for. */
import { createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { DER, DerError, derOf, derSequence, derElements } from './der.ts';

interface Algorithm {
  /** AlgorithmIdentifier in DER. */
  readonly identifier: Buffer;
  readonly hash: string | null;
}

function algorithm(identifierHex: string, hash: string | null): Algorithm {
  return { identifier: Buffer.from(identifierHex, 'hex'), hash };
}

/** By key type, or curve: RFC 5758 §3.2, RFC 8017 appendix A.2.4, RFC 8410 §3, RFC 9881 §2. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  rsa: algorithm('300d06092a864886f70d01010b0500', 'sha256'),
  prime256v1: algorithm('300a06082a8648ce3d040302', 'sha256'),
  secp384r1: algorithm('300a06082a8648ce3d040303', 'sha384'),
  secp521r1: algorithm('300a06082a8648ce3d040304', 'sha512'),
  ed25519: algorithm('300506032b6570', null),
  'ml-dsa-44': algorithm('300b0609608648016503040311', null),
  'ml-dsa-65': algorithm('300b0609608648016503040312', null),
  'ml-dsa-87': algorithm('300b0609608648016503040313', null),
};

const VERSION = Buffer.from('020100', 'hex');
const PEM_COLUMNS = 64;

/** @throws {DerError} */
function templateParts(template: Buffer): { readonly name: Buffer; readonly attributes: Buffer } {
  const [info] = derSequence(template);
  if (info?.tag !== DER.sequence) throw new DerError('not a certification request');
  const [version, name, key, attributes] = derElements(info.content);
  if (version?.tag !== DER.integer || name?.tag !== DER.sequence || key?.tag !== DER.sequence) {
    throw new DerError('not a certification request');
  }
  return { name: name.whole, attributes: attributes?.whole ?? derOf(DER.context0) };
}

/** The DER in the first PEM block of that label; undefined when there is none. */
export function pemBytes(text: string, label: string): Buffer | undefined {
  const begin = `-----BEGIN ${label}-----`;
  const start = text.indexOf(begin);
  const end = text.indexOf(`-----END ${label}-----`, start);
  if (start < 0 || end < 0) return undefined;
  return Buffer.from(text.slice(start + begin.length, end), 'base64');
}

export function pemText(bytes: Buffer, label: string): string {
  const text = bytes.toString('base64');
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += PEM_COLUMNS) {
    lines.push(text.slice(at, at + PEM_COLUMNS));
  }
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/**
 * A request for `key`, in DER. @param template a request in DER whose subject and attributes are taken over; without it both
 * are empty. @throws {DerError} the template is none. @throws {RangeError} keys of this type have no signature algorithm here
 */
export function certificationRequest(key: KeyObject, template?: Buffer): Buffer {
  const type = key.asymmetricKeyType ?? '';
  const name = type === 'ec' ? (key.asymmetricKeyDetails?.namedCurve ?? '') : type;
  const found = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (found === undefined) throw new RangeError('no signature algorithm for this type of key');
  const parts =
    template === undefined
      ? { name: derOf(DER.sequence), attributes: derOf(DER.context0) }
      : templateParts(template);
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const info = derOf(DER.sequence, VERSION, parts.name, publicKey, parts.attributes);
  const signature = sign(found.hash, info, key);
  return derOf(DER.sequence, info, found.identifier, derOf(DER.bitString, Buffer.of(0), signature));
}
