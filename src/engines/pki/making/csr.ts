/** A certification request as it was sent, and whether its key is one that a role takes. */
import { DerError } from '../../../crypto/der.ts';
import { nextPem } from '../../../crypto/pem.ts';
import { keyBitsOf, keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import { readPublicKey } from '../../../crypto/x509/keys.ts';
import { readRequest } from '../../../crypto/x509/request.ts';
import type { CertificationRequest } from '../../../crypto/x509/request.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { keyRules, RSA_BITS_MIN } from './key-rules.ts';
import type { Role } from '../roles/role.ts';

/** @throws {RequestError} */
export function parseCsr(text: string): CertificationRequest {
  if (text === '') throw invalidRequest('"csr" is empty');
  const found = nextPem(text);
  if (found === undefined) throw invalidRequest('csr contains no data');
  return parseCsrDer(found.block.bytes);
}

/** @throws {RequestError} */
export function parseCsrDer(der: Buffer): CertificationRequest {
  try {
    return readRequest(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw invalidRequest(`certificate request could not be parsed: ${error.message}`);
  }
}

/** The smallest curve there is: what a role for any key asks of elliptic ones. */
const CURVE_BITS_MIN = 224;

/** The role as it applies to this key. @throws {RequestError} */
export function roleForKey(role: Role, request: CertificationRequest): Role {
  const key = readPublicKey(request.publicKeyInfo);
  const type = key === undefined ? undefined : keyTypeOf(key);
  if (key === undefined || type === undefined) {
    throw invalidRequest('Refusing to sign CSR with empty PublicKey: its type is not known');
  }
  if (role.key_type !== 'any' && role.key_type !== type) {
    throw invalidRequest(`role requires keys of type ${role.key_type}`);
  }
  const bits = keyBitsOf(key);
  if (bits === 0) throw invalidRequest("could not parse CSR's public key");
  let { key_bits: needed, signature_bits: hashBits } = role;
  if (role.key_type === 'any') {
    if (type === 'rsa' && bits < RSA_BITS_MIN) {
      throw invalidRequest('RSA keys < 2048 bits are unsafe and not supported');
    }
    ({ bits: needed, hashBits } = keyRules(type, 0, role.signature_bits));
    if (type === 'ec') needed = CURVE_BITS_MIN;
  }
  if (type !== 'ed25519' && bits < needed) {
    throw invalidRequest(
      `role requires a minimum of a ${needed}-bit key, but CSR's key is ${bits} bits`,
    );
  }
  if (!request.isSigned) throw invalidRequest('request signature invalid');
  return { ...role, key_bits: needed, signature_bits: hashBits };
}
