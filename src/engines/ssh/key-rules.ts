/** Which keys a role signs: types and sizes, under every name that a type goes by. */
import type { SshPublicKey } from '../../crypto/ssh/public-key.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Stored } from '../../model/transaction.ts';
import type { CaRole } from './roles.ts';

type Rules = Stored<Pick<CaRole, 'allowedUserKeyLengths'>>;

/** Names of a kind of key in `allowed_user_key_lengths`. */
function namesOf({ kind, type }: Pick<SshPublicKey, 'kind' | 'type'>): readonly string[] {
  switch (kind) {
    case 'rsa':
      return ['rsa', type];
    case 'dsa':
      return ['dsa', type];
    case 'ecdsa':
      return ['ecdsa', 'ec', type];
    case 'ed25519':
      return ['ed25519', type];
    default:
      return [type];
  }
}

/** @throws {RequestError} invalid_request */
export function checkKey(key: SshPublicKey, { allowedUserKeyLengths: lengths }: Rules): void {
  if (Object.keys(lengths).length === 0) return;
  const present = namesOf(key).filter((name) => Object.hasOwn(lengths, name));
  const problem = 'public_key failed to meet the key requirements:';
  if (present.length === 0)
    throw invalidRequest(`${problem} key of type ${key.kind} is not allowed`);
  // The name of one curve, and of a type with one size, says it all.
  const sized = (name: string): boolean =>
    key.kind === 'rsa' || key.kind === 'dsa' || name === 'ec' || name === 'ecdsa';
  const fits = present.some((name) =>
    sized(name) ? lengths[name]?.includes(key.bits) === true : (lengths[name]?.length ?? 0) > 0,
  );
  if (!fits) throw invalidRequest(`${problem} key is of an invalid size: ${key.bits}`);
}

/** Names under which a type of key that is to be made may be allowed; `ec` has none in the reference. */
const MADE: ReadonlyMap<string, readonly string[]> = new Map([
  ['rsa', ['rsa', 'ssh-rsa']],
  ['dsa', ['dsa', 'ssh-dss']],
  ['ecdsa', ['ecdsa', 'ec']],
  ['ed25519', ['ed25519', 'ssh-ed25519']],
]);

/** @throws {RequestError} invalid_request */
export function checkMade(
  type: string,
  bits: number,
  { allowedUserKeyLengths: lengths }: Rules,
): void {
  if (Object.keys(lengths).length === 0) return;
  const present = (MADE.get(type) ?? []).filter((name) => Object.hasOwn(lengths, name));
  if (present.length === 0) {
    throw invalidRequest('provided key_type value not in allowed_user_key_types');
  }
  if (!present.some((name) => lengths[name]?.includes(bits) === true)) {
    throw invalidRequest("provided key_bits value not in list of role's allowed_user_key_types");
  }
}
