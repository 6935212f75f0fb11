/** What a credential of an account is: how it is made, what its holder gets, and that not every database knows every kind. */
import { invalidRequest } from '../../model/errors.ts';
import type { Credential, CredentialKind } from '../../targets/database.ts';

/** Checked and with its defaults, as it is shown. */
export type CredentialConfig = Readonly<Record<string, string | number>>;

export interface CredentialRule {
  readonly kind: CredentialKind;
  readonly config: CredentialConfig;
}

/** A new credential, and what its holder gets of it. */
export interface MadeCredential {
  readonly credential: Credential;
  readonly shown: Readonly<Record<string, string>>;
}

export function unsupported(kind: CredentialKind): Error {
  return invalidRequest(`unsupported credential_type: "${kind}"`);
}
