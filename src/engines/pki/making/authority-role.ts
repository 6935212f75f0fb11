/** Roots and intermediates are made like certificates of a role that allows everything. */
import type { KeyObject } from 'node:crypto';
import type { KeyType } from '../../../crypto/x509/algorithms.ts';
import { keyBitsOf } from '../../../crypto/x509/algorithms.ts';
import { makePrivateKey } from '../../../crypto/x509/keys.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';
import type { Authorities } from '../authorities/authorities.ts';
import { keyNotFound } from '../authorities/resolve.ts';
import { privateKey } from '../authorities/signer.ts';
import { formatOf } from './answers.ts';
import type { Form } from './answers.ts';
import { keyRules } from './key-rules.ts';
import type { NameValues } from '../names/parameters.ts';
import { PERMISSIVE } from '../roles/role.ts';
import type { Role } from '../roles/role.ts';

export interface AuthorityValues extends NameValues {
  readonly ou: readonly string[];
  readonly organization: readonly string[];
  readonly country: readonly string[];
  readonly locality: readonly string[];
  readonly province: readonly string[];
  readonly street_address: readonly string[];
  readonly postal_code: readonly string[];
  readonly not_before_duration: number;
  readonly signature_bits: number;
  readonly format: string;
  readonly private_key_format: string;
}

export interface KeyValues {
  readonly exported: string;
  readonly key_type: string;
  readonly key_bits: number;
  readonly key_ref: string;
}

export function subjectRole(values: AuthorityValues): Role {
  return {
    ...PERMISSIVE,
    ou: values.ou,
    organization: values.organization,
    country: values.country,
    locality: values.locality,
    province: values.province,
    street_address: values.street_address,
    postal_code: values.postal_code,
    signature_bits: values.signature_bits,
    not_before_duration: values.not_before_duration,
  };
}

export interface OwnKey {
  readonly role: Role;
  readonly form: Form;
  readonly key: KeyObject;
  /** It is shown this once. */
  readonly isExported: boolean;
}

const WAYS = ['internal', 'exported', 'existing', 'kms'];

/** The key of a new authority, made or found, and what its certificate or request may say. @throws {RequestError} */
export async function ownKey(
  store: Reader,
  all: Authorities,
  values: AuthorityValues & KeyValues,
  data: Readonly<Record<string, unknown>>,
): Promise<OwnKey> {
  const { exported: way } = values;
  if (!WAYS.includes(way)) {
    throw invalidRequest(
      'the "exported" path parameter must be "internal", "existing", exported" or "kms"',
    );
  }
  const form = { format: formatOf(values.format), private_key_format: values.private_key_format };
  const role = subjectRole(values);
  if (way === 'internal' || way === 'exported') {
    const { bits, hashBits } = keyRules(values.key_type, values.key_bits, values.signature_bits);
    if (values.key_type === 'any') throw invalidRequest('unknown key type: any');
    const key = await makePrivateKey(values.key_type as KeyType, bits);
    const made = { ...role, key_type: values.key_type, key_bits: bits, signature_bits: hashBits };
    return { role: made, form, key, isExported: way === 'exported' };
  }
  if (Object.hasOwn(data, 'key_type') || Object.hasOwn(data, 'key_bits')) {
    throw invalidRequest(
      'invalid parameter for the kms/existing path parameter, key_type nor key_bits arguments can be set in this mode',
    );
  }
  if (way === 'kms')
    throw invalidRequest('unsupported public key: keys of other systems are not used');
  const key = await existingKey(store, all, values.key_ref);
  const type = key.asymmetricKeyType ?? '';
  const bits = type === 'rsa' ? keyBitsOf(key) : 0;
  const { hashBits } = keyRules(type, bits, values.signature_bits);
  const found = { ...role, key_type: type, key_bits: bits, signature_bits: hashBits };
  return { role: found, form, key, isExported: false };
}

async function existingKey(store: Reader, all: Authorities, reference: string): Promise<KeyObject> {
  if (reference === '') throw invalidRequest('missing argument key_ref for existing type');
  const id = all.findKey(reference);
  if (id === undefined) {
    throw invalidRequest(
      `failed to lookup public key from existing key: ${keyNotFound(reference)}`,
    );
  }
  return await privateKey(store, id);
}
