/** The message within the message that changes an account’s key (RFC 8555 §7.3.5): signed with the new key. */
import { claimsOf, parseJws, verifyJws } from '../../../crypto/jws.ts';
import type { Signed } from './context.ts';
import { readJwk } from './jwk.ts';
import { AcmeProblem } from './problem.ts';

/** @throws {AcmeProblem} */
export async function innerSigned({ payload }: Signed): Promise<Signed> {
  const { protected: head, payload: body, signature } = payload ?? {};
  if (typeof head !== 'string' || typeof body !== 'string' || typeof signature !== 'string') {
    throw new AcmeProblem('malformed', 'the payload is no signed message');
  }
  const jws = parseJws(`${head}.${body}.${signature}`);
  const header = claimsOf({ payload: Buffer.from(head, 'base64url') });
  const key = readJwk(header?.['jwk']);
  if (
    jws === undefined ||
    header === undefined ||
    key === undefined ||
    !(await verifyJws(jws, key.key))
  ) {
    throw new AcmeProblem('malformed', 'failed to verify the signature of the inner message');
  }
  return { key, account: undefined, header, payload: claimsOf(jws) };
}
