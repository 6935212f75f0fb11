/**
 * The application that a role with `persist_app` keeps: made with the first credentials, the same for all of them, and gone with the
 * role. What it may do follows the role by a task, in two steps: what will be there is stored first, so that nothing that Azure has
 * done is ever unknown.
 */
import type { JsonObject } from '../../base/json.ts';
import { findRole } from '../../model/listing/role-paths.ts';
import type { IntentType, TaskType } from '../../model/outside.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { configOf, findConfig, resourceOf } from './config.ts';
import type { AzureConfig } from './config.ts';
import { MicrosoftError, asFailure, microsoftOf, unlessGone } from './microsoft.ts';
import type { Call } from './microsoft.ts';
import {
  assign,
  join,
  makePrincipal,
  planPrincipal,
  removePrincipal,
  unassign,
} from './principals.ts';
import type { Assignment, LentPrincipal } from './principals.ts';
import type { Role } from './roles.ts';
import type { AzurePorts } from './ports.ts';

export const KEEP = 'keep-application';
const KEPT = 'kept/';
const CONFLICT = 409;
const REFUSED = 400;

/** What changes, from when it is stored until Azure has it. */
interface Change extends JsonObject {
  readonly adds: Assignment[];
  readonly drops: Assignment[];
  readonly joins: string[];
  readonly leaves: string[];
  /** What the role says then. */
  readonly grants: string;
}

/** Its assignments and groups are all that it may have. */
interface Kept extends LentPrincipal {
  readonly application: string;
  readonly clientId: string;
  readonly principalId: string;
  /** What the role said when these were given. */
  readonly grants: string;
  readonly change: Change | null;
}

async function findKept(store: Reader, role: string): Promise<Kept | undefined> {
  return await store.getJson<Kept>(KEPT + role);
}

function putKept(store: Transaction, kept: Kept): void {
  store.putJson(KEPT + kept.role, kept);
}

function grantsOf({ azureRoles, azureGroups }: Role): string {
  return JSON.stringify([azureRoles, azureGroups]);
}

/** Object id of the application, which is made if there is none. @throws {MicrosoftError} */
export async function keptApplication(
  { outside }: Pick<Request, 'outside'>,
  store: Transaction,
  ports: AzurePorts,
  { call, config, name, role }: { call: Call; config: AzureConfig; name: string; role: Role },
): Promise<string> {
  const before = await findKept(store, name);
  if (before !== undefined) return before.application;
  const planned = await planPrincipal(call, ports, name, role);
  await outside.intend(KEEP, planned);
  const graph = resourceOf(config, 'graph');
  const { application, clientId, principalId } = await makePrincipal(call, planned, {
    role,
    graph,
  });
  const grants = grantsOf(role);
  putKept(store, { ...planned, application, clientId, principalId, grants, change: null });
  return application;
}

/** A request that did not come to its end, or another one that was first: its application is removed. */
export function keepIntent(ports: AzurePorts): IntentType {
  return {
    async settle({ data }, store) {
      const planned = data as LentPrincipal;
      if ((await findKept(store, planned.role))?.name === planned.name) return;
      try {
        await removePrincipal(microsoftOf(await configOf(store), ports), planned);
      } catch (error) {
        throw asFailure('unable to remove an application', error);
      }
    },
  };
}

export function followRoleTask(ports: AzurePorts): TaskType {
  return {
    async run({ name, record }, store) {
      const kept = await findKept(store, name);
      const config = await findConfig(store);
      if (kept === undefined || config === undefined) return 'done';
      const role = await findRole<Role>(store, name);
      const goes = role?.persistApp !== true;
      if (!goes && kept.change === null && kept.grants === grantsOf(role)) return 'done';
      const call = microsoftOf(config, ports);
      const audited = await record(`roles/${name}`);
      try {
        if (goes) {
          await removePrincipal(call, kept);
          store.delete(KEPT + name);
          return 'done';
        }
        if (kept.change === null) putKept(store, await withPlan(call, ports, kept, role));
        else putKept(store, await withChange(call, kept, kept.change, resourceOf(config, 'graph')));
        return 'again';
      } catch (error) {
        if (error instanceof MicrosoftError) audited.failed(error.message);
        throw asFailure('unable to change an application', error);
      }
    },
  };
}

/** Where an assignment holds, and what it gives. */
function grantOf({ path, definition }: Assignment): string {
  return `${path.slice(0, path.lastIndexOf('/'))} ${definition}`;
}

/** @throws {MicrosoftError} */
async function withPlan(call: Call, ports: AzurePorts, kept: Kept, role: Role): Promise<Kept> {
  const wanted = await planPrincipal(call, ports, kept.role, role);
  const had = new Set(kept.assignments.map(grantOf));
  const wants = new Set(wanted.assignments.map(grantOf));
  const change: Change = {
    adds: wanted.assignments.filter((each) => !had.has(grantOf(each))),
    drops: kept.assignments.filter((each) => !wants.has(grantOf(each))),
    joins: wanted.groups.filter((group) => !kept.groups.includes(group)),
    leaves: kept.groups.filter((group) => !wanted.groups.includes(group)),
    grants: grantsOf(role),
  };
  return {
    ...kept,
    permanently: wanted.permanently,
    assignments: [...kept.assignments, ...change.adds],
    groups: [...kept.groups, ...change.joins],
    change,
  };
}

/** Does what was planned, perhaps not for the first time. @throws {MicrosoftError} */
async function withChange(call: Call, kept: Kept, change: Change, graph: string): Promise<Kept> {
  const { principalId } = kept;
  for (const each of change.drops) await unassign(call, each);
  for (const group of change.leaves) {
    const path = `/v1.0/groups/${group}/members/${principalId}/$ref`;
    await unlessGone(() => call('graph', 'DELETE', path));
  }
  for (const each of change.adds) {
    await unlessThere(() => assign(call, each, principalId));
  }
  for (const group of change.joins) {
    await unlessThere(() => join(call, group, principalId, graph));
  }
  return {
    ...kept,
    assignments: kept.assignments.filter(
      ({ path }) => !change.drops.some((gone) => gone.path === path),
    ),
    groups: kept.groups.filter((group) => !change.leaves.includes(group)),
    grants: change.grants,
    change: null,
  };
}

/** What an attempt before has done already is refused. @throws {MicrosoftError} */
async function unlessThere(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof MicrosoftError)) throw error;
    const isThere =
      error.status === CONFLICT ||
      (error.status === REFUSED && /already exist/.test(error.message));
    if (!isThere) throw error;
  }
}
