/** Passwords of an application that exists. Each has a name of its own, by which one whose answer was lost is found again. */
import type { JsonObject } from '../../base/json.ts';
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { SecretType } from '../../model/backend.ts';
import { member } from '../../model/outgoing.ts';
import { configOf } from './config.ts';
import { allOf, asFailure, microsoftOf, textOf, unlessGone } from './microsoft.ts';
import type { Call } from './microsoft.ts';
import { renewal } from './roles.ts';
import type { AzurePorts } from './ports.ts';

export const PASSWORD = 'password';

/** What revocation knows, stored with the lease. */
export interface LentPassword extends JsonObject {
  readonly role: string;
  readonly application: string;
  /** Display name of the password. */
  readonly name: string;
}

const LENT_NAME = /^strongroom-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function lentName(random: Random): string {
  return `strongroom-${uuid(random)}`;
}

/** Whether a password with this name ends with a lease. */
export function isLentName(name: unknown): boolean {
  return typeof name === 'string' && LENT_NAME.test(name);
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

/** Removes those passwords of an application whose names are to go. @throws {MicrosoftError} */
export async function removePasswords(
  call: Call,
  application: string,
  document: unknown,
  goes: (name: unknown) => boolean,
): Promise<void> {
  for (const entry of allOf(document, 'passwordCredentials')) {
    if (!goes(member(entry, 'displayName'))) continue;
    const path = `/v1.0/applications/${application}/removePassword`;
    await call('graph', 'POST', path, { keyId: textOf(entry, 'keyId') });
  }
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
        await removePasswords(call, application, document, (other) => other === name);
      } catch (error) {
        throw asFailure('unable to remove a password', error);
      }
    },
  };
}
