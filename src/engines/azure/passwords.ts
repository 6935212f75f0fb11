/** Passwords of an application that exists. Each has a name of its own, by which one whose answer was lost is found again. */
import type { JsonObject } from '../../base/json.ts';
import type { SecretType } from '../../model/backend.ts';
import { member } from '../../model/outgoing.ts';
import type { AzurePorts } from './azure.ts';
import { configOf } from './config.ts';
import { allOf, asFailure, microsoftOf, textOf, unlessGone } from './microsoft.ts';
import type { Call } from './microsoft.ts';
import { renewal } from './roles.ts';

export const PASSWORD = 'password';

/** What revocation knows, stored with the lease. */
export interface LentPassword extends JsonObject {
  readonly role: string;
  readonly application: string;
  /** Display name of the password. */
  readonly name: string;
}

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** @throws {MicrosoftError} */
export async function addPassword(
  call: Call,
  { application, name }: LentPassword,
  endsMs: number,
): Promise<Credentials> {
  const path = `/v1.0/applications/${application}`;
  const clientId = textOf(await call('graph', 'GET', path), 'appId');
  const passwordCredential = { displayName: name, endDateTime: new Date(endsMs).toISOString() };
  const added = await call('graph', 'POST', `${path}/addPassword`, { passwordCredential });
  return { clientId, clientSecret: textOf(added, 'secretText') };
}

export function passwordSecret(ports: AzurePorts): SecretType {
  return {
    renew: renewal,
    async revoke({ internal }, store) {
      const { application, name } = internal as LentPassword;
      const path = `/v1.0/applications/${application}`;
      try {
        const call = microsoftOf(await configOf(store), ports);
        const document = await unlessGone(() => call('graph', 'GET', path));
        for (const entry of allOf(document, 'passwordCredentials')) {
          if (member(entry, 'displayName') !== name) continue;
          await call('graph', 'POST', `${path}/removePassword`, { keyId: textOf(entry, 'keyId') });
        }
      } catch (error) {
        throw asFailure('unable to remove a password', error);
      }
    },
  };
}
