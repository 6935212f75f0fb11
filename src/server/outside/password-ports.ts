/** Makes passwords for engines by the policies that namespaces have stored. */
import { invalidRequest } from '../../model/errors.ts';
import { findPasswordPolicy } from '../../policy/password/password-policy-store.ts';
import {
  DEFAULT_PASSWORD_POLICY,
  generatePassword,
} from '../../policy/password/password-policy.ts';
import type { Services } from '../services.ts';

/** @throws {RequestError} there is no such policy */
export type MakePassword = (namespaceId: string, policy: string) => Promise<string>;

export function passwordPort({ begin, world }: Pick<Services, 'begin' | 'world'>): MakePassword {
  return async (namespaceId, name) => {
    if (name === '') return generatePassword(DEFAULT_PASSWORD_POLICY, world.random);
    const policy = await findPasswordPolicy(begin(), namespaceId, name);
    if (policy === undefined) {
      throw invalidRequest('failed to generate password: no password policy found');
    }
    return generatePassword(policy, world.random);
  };
}
