/**
 * Service principals with roles and groups of their own. Their names, and the ids of their roles’ assignments, are chosen here
 * before anything is made, so that all of it can be removed whatever answer was lost.
 */
import type { JsonObject } from '../../base/json.ts';
import { uuid } from '../../base/random.ts';
import type { SecretType } from '../../model/backend.ts';
import { member } from '../../model/outgoing.ts';
import { configOf } from './config.ts';
import { MicrosoftError, allOf, asFailure, having, microsoftOf, textOf } from './microsoft.ts';
import { unlessGone } from './microsoft.ts';
import type { Call } from './microsoft.ts';
import { renewal } from './roles.ts';
import type { Role } from './roles.ts';
import type { AzurePorts } from './ports.ts';

export const PRINCIPAL = 'service_principal';
const ASSIGNMENTS = '2022-04-01';
const DEFINITIONS = '2022-04-01';
const DEFINITION = /\/[0-9A-Za-z-]{1,64}$/;

export interface Assignment extends JsonObject {
  /** Path of the assignment. */
  readonly path: string;
  readonly definition: string;
}

/** What revocation knows, stored with the lease. */
export interface LentPrincipal extends JsonObject {
  readonly role: string;
  /** Display name of the application. */
  readonly name: string;
  readonly assignments: Assignment[];
  readonly groups: string[];
  readonly permanently: boolean;
}

/** Looks up what the role names; makes nothing. @throws {MicrosoftError} */
export async function planPrincipal(
  call: Call,
  { random }: AzurePorts,
  roleName: string,
  role: Role,
): Promise<LentPrincipal> {
  const assignments: Assignment[] = [];
  for (const wanted of role.azureRoles) {
    const { roleId, scope } = wanted;
    const definition = roleId === '' ? await definitionOf(call, scope, wanted.roleName) : roleId;
    if (!DEFINITION.test(definition)) throw new MicrosoftError('the id of a role is none');
    const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${uuid(random)}`;
    assignments.push({ path, definition });
  }
  const groups: string[] = [];
  for (const { objectId, groupName } of role.azureGroups) {
    groups.push(objectId === '' ? await groupOf(call, groupName) : objectId);
  }
  const name = `strongroom-${uuid(random)}`;
  return { role: roleName, name, assignments, groups, permanently: role.permanentlyDelete };
}

/** The id of the only entry. @throws {MicrosoftError} */
function onlyOf(document: unknown, what: string): string {
  const [found, ...others] = allOf(document);
  if (found === undefined) throw new MicrosoftError(`no ${what} found`);
  if (others.length > 0) throw new MicrosoftError(`more than one ${what} found`);
  return textOf(found, 'id');
}

async function definitionOf(call: Call, scope: string, name: string): Promise<string> {
  const path = `${scope}/providers/Microsoft.Authorization/roleDefinitions`;
  const query = `api-version=${DEFINITIONS}&${having('roleName', name)}`;
  return onlyOf(await call('management', 'GET', `${path}?${query}`), `role "${name}"`);
}

async function groupOf(call: Call, name: string): Promise<string> {
  const document = await call('graph', 'GET', `/v1.0/groups?${having('displayName', name)}`);
  return onlyOf(document, `group "${name}"`);
}

/** A principal that is there. */
export interface MadePrincipal {
  /** Object id of its application. */
  readonly application: string;
  readonly clientId: string;
  readonly principalId: string;
  /** '' when it has none. */
  readonly clientSecret: string;
}

/** @param endsMs when its password ends; without it it has none. @throws {MicrosoftError} */
export async function makePrincipal(
  call: Call,
  lent: LentPrincipal,
  { role, endsMs, graph }: { role: Role; endsMs?: number; graph: string },
): Promise<MadePrincipal> {
  const application = await call('graph', 'POST', '/v1.0/applications', {
    displayName: lent.name,
    ...(endsMs === undefined
      ? {}
      : {
          passwordCredentials: [
            { displayName: lent.name, endDateTime: new Date(endsMs).toISOString() },
          ],
        }),
    ...(role.signInAudience === '' ? {} : { signInAudience: role.signInAudience }),
    ...(role.tags.length === 0 ? {} : { tags: role.tags }),
  });
  const clientId = textOf(application, 'appId');
  const clientSecret =
    endsMs === undefined ? '' : textOf(allOf(application, 'passwordCredentials')[0], 'secretText');
  const principal = await call('graph', 'POST', '/v1.0/servicePrincipals', { appId: clientId });
  const principalId = textOf(principal, 'id');
  for (const assignment of lent.assignments) await assign(call, assignment, principalId);
  for (const group of lent.groups) await join(call, group, principalId, graph);
  return { application: textOf(application, 'id'), clientId, clientSecret, principalId };
}

/** @throws {MicrosoftError} */
export async function assign(
  call: Call,
  { path, definition }: Assignment,
  principalId: string,
): Promise<void> {
  await call('management', 'PUT', `${path}?api-version=${ASSIGNMENTS}`, {
    properties: { roleDefinitionId: definition, principalId, principalType: 'ServicePrincipal' },
  });
}

/** @throws {MicrosoftError} */
export async function unassign(call: Call, { path }: Assignment): Promise<void> {
  await unlessGone(() => call('management', 'DELETE', `${path}?api-version=${ASSIGNMENTS}`));
}

/** @throws {MicrosoftError} */
export async function join(
  call: Call,
  group: string,
  principalId: string,
  graph: string,
): Promise<void> {
  await call('graph', 'POST', `/v1.0/groups/${group}/members/$ref`, {
    '@odata.id': `${graph}/v1.0/directoryObjects/${principalId}`,
  });
}

/** Ids of the applications with this name. @throws {MicrosoftError} */
async function named(call: Call, path: string, name: string): Promise<readonly string[]> {
  const document = await call('graph', 'GET', `${path}?${having('displayName', name)}`);
  return allOf(document)
    .filter((entry) => member(entry, 'displayName') === name)
    .map((entry) => textOf(entry, 'id'));
}

/** All that was planned, as far as it is there. @throws {MicrosoftError} */
export async function removePrincipal(
  call: Call,
  { name, assignments, permanently }: LentPrincipal,
): Promise<void> {
  for (const assignment of assignments) await unassign(call, assignment);
  for (const id of await named(call, '/v1.0/applications', name)) {
    await unlessGone(() => call('graph', 'DELETE', `/v1.0/applications/${id}`));
  }
  if (!permanently) return;
  const removed = '/v1.0/directory/deletedItems';
  for (const id of await named(call, `${removed}/microsoft.graph.application`, name)) {
    await unlessGone(() => call('graph', 'DELETE', `${removed}/${id}`));
  }
}

export function principalSecret(ports: AzurePorts): SecretType {
  return {
    renew: renewal,
    async revoke({ internal }, store) {
      try {
        await removePrincipal(microsoftOf(await configOf(store), ports), internal as LentPrincipal);
      } catch (error) {
        throw asFailure('unable to remove a service principal', error);
      }
    },
  };
}
