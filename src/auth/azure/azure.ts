/** Azure: workloads with a token that Microsoft Entra ID gave to their managed identity or service principal. */
import type { Clock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend } from '../../model/backend.ts';
import { invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { ClaimError } from '../claims.ts';
import type { FetchJson } from '../fetch-json.ts';
import { judgedToken, textOf } from '../issuer-token.ts';
import { KeySets } from '../key-sets.ts';
import { boundSizes, defineRoles } from '../roles.ts';
import type { Role, Roles } from '../roles.ts';
import { OLD_ROLE_NAMES, checkAddress, grantOf, renewalOf } from '../token-fields.ts';
import { checkPeriod, longLifeWarnings } from '../token-bounds.ts';
import { configOf, configPath, issuersOf, sourceOf } from './config.ts';
import type { Reply } from '../../model/reply.ts';

export interface AzurePorts {
  readonly clock: Clock;
  readonly fetch: FetchJson;
}

interface AzureRoleFields {
  readonly bound_service_principal_ids: readonly string[];
  readonly bound_group_ids: readonly string[];
  readonly bound_subscription_ids: readonly string[];
  readonly bound_resource_groups: readonly string[];
  readonly bound_scale_sets: readonly string[];
  readonly bound_locations: readonly string[];
}

type AzureRole = Role<AzureRoleFields>;

const FRESH: AzureRoleFields = {
  bound_service_principal_ids: [],
  bound_group_ids: [],
  bound_subscription_ids: [],
  bound_resource_groups: [],
  bound_scale_sets: [],
  bound_locations: [],
};

const list = (description: string): { kind: 'comma_string_list'; description: string } => ({
  kind: 'comma_string_list',
  description,
});

const roles: Roles<AzureRoleFields> = defineRoles<AzureRoleFields>({
  folder: 'role',
  prefix: 'role/',
  one: 'role',
  many: 'roles',
  fields: {
    bound_service_principal_ids: list('Object ids of principals that may log in; * = any.'),
    bound_group_ids: list('Object ids of groups, one of which the principal must be in.'),
    bound_subscription_ids: list('Subscriptions that the machine must be in.'),
    bound_resource_groups: list('Resource groups that the machine must be in.'),
    bound_scale_sets: list('Scale sets that the machine must be of.'),
    bound_locations: list('Not supported: tokens do not tell the location.'),
  },
  fresh: FRESH,
  oldNames: OLD_ROLE_NAMES,
  check(role, request) {
    checkPeriod(role.settings, request);
    if (role.bound_locations.length > 0)
      throw invalidRequest('bound_locations is not supported: tokens do not tell the location');
    const lists = Object.keys(FRESH).map((name) => role[name as keyof AzureRoleFields]);
    boundSizes(lists);
    if (lists.every((each) => each.length === 0))
      throw invalidRequest('must have at least one bound constraint on the role');
    if (
      role.bound_service_principal_ids.includes('*') &&
      role.bound_service_principal_ids.length > 1
    )
      throw invalidRequest('can not mix "*" with other bound_service_principal_ids');
    return role;
  },
  warnings: (role, request) => longLifeWarnings(role.settings, request),
});

interface LoginFields {
  readonly role: string;
  readonly jwt: string;
  readonly subscription_id: string;
  readonly resource_group_name: string;
  readonly vm_name: string;
  readonly vmss_name: string;
  readonly resource_id: string;
}

interface Machine {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly scaleSet: string;
  readonly name: string;
}

const RESOURCE =
  /^\/subscriptions\/([\w-]{1,64})\/resourcegroups\/([\w.()-]{1,128})\/providers\/([\w./-]{1,512})$/;

/** The machine that a token was given to, by the issuer's word (CVE-2025-3879: what the caller says is no evidence). */
function machineOf(claims: JsonObject): Machine | undefined {
  const id = textOf(claims, 'xms_az_rid') || textOf(claims, 'xms_mirid');
  const [, subscription, resourceGroup, provider] = RESOURCE.exec(id.toLowerCase()) ?? [];
  if (subscription === undefined || resourceGroup === undefined || provider === undefined)
    return undefined;
  const parts = provider.split('/');
  const after = (type: string): string => parts[parts.indexOf(type) + 1] ?? '';
  const has = (type: string): boolean => parts.includes(type);
  return {
    subscription,
    resourceGroup,
    scaleSet: has('virtualmachinescalesets') ? after('virtualmachinescalesets') : '',
    name: has('virtualmachines') ? after('virtualmachines') : '',
  };
}

function demand(bound: readonly string[], actual: string, what: string): void {
  const folded = bound.map((each) => each.toLowerCase());
  if (bound.length > 0 && (actual === '' || !folded.includes(actual.toLowerCase())))
    throw new ClaimError(`the role does not name the ${what}`);
}

/** What the caller says of its machine must be what the issuer says. */
function checkSaid(fields: LoginFields, machine: Machine | undefined): void {
  for (const [said, actual] of [
    [fields.subscription_id, machine?.subscription],
    [fields.resource_group_name, machine?.resourceGroup],
    [fields.vmss_name, machine?.scaleSet],
    [fields.vm_name, machine?.name],
  ] as const) {
    if (said !== '' && actual !== undefined && actual !== '' && said.toLowerCase() !== actual)
      throw new ClaimError('the caller names another machine than the token');
  }
}

function groupsOf(claims: JsonObject): readonly string[] {
  const groups = claims['groups'];
  return Array.isArray(groups) ? groups.filter((each) => typeof each === 'string') : [];
}

function checkBound(
  role: Stored<AzureRole>,
  claims: JsonObject,
  machine: Machine | undefined,
): void {
  if (!role.bound_service_principal_ids.includes('*'))
    demand(role.bound_service_principal_ids, textOf(claims, 'oid'), 'principal');
  const groups = groupsOf(claims);
  if (
    role.bound_group_ids.length > 0 &&
    !role.bound_group_ids.some((group) => groups.includes(group))
  )
    throw new ClaimError('the principal is in none of the groups');
  demand(role.bound_subscription_ids, machine?.subscription ?? '', 'subscription');
  demand(role.bound_resource_groups, machine?.resourceGroup ?? '', 'resource group');
  demand(role.bound_scale_sets, machine?.scaleSet ?? '', 'scale set');
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  keySets: KeySets,
): Promise<Reply> {
  const { fields, connection, nowMs } = request;
  if (fields.jwt === '') throw invalidRequest('jwt is required');
  if (fields.role === '') throw invalidRequest('role is required');
  const config = await configOf(store);
  const roleName = fields.role.toLowerCase();
  const role = await roles.find(store, roleName);
  try {
    if (config === undefined || role === undefined)
      throw new ClaimError('there is no such role, or no configuration');
    checkAddress(role.settings, connection);
    const claims = await judgedToken(fields.jwt, sourceOf(config), keySets, {
      issuers: issuersOf(config),
      audiences: [config.resource],
      nowMs,
    });
    if (textOf(claims, 'tid') !== '' && textOf(claims, 'tid') !== config.tenant_id)
      throw new ClaimError('another tenant');
    const principal = textOf(claims, 'oid');
    if (principal === '') throw new ClaimError('the token names no principal');
    const machine = machineOf(claims);
    checkSaid(fields, machine);
    checkBound(role, claims, machine);
    const metadata = {
      role: roleName,
      resource_group_name: machine?.resourceGroup ?? '',
      subscription_id: machine?.subscription ?? '',
    };
    return {
      auth: {
        ...grantOf(role.settings, connection),
        displayName: textOf(claims, 'sub') || principal,
        metadata,
        alias: { name: principal, metadata },
        groupAliases: groupsOf(claims),
        internal: { role: roleName },
      },
    };
  } catch (error) {
    if (error instanceof ClaimError) throw permissionDenied(error.message);
    throw error;
  }
}

async function renewAuth(
  renewal: AuthRenewal,
  store: Reader,
): Promise<ReturnType<typeof renewalOf>> {
  const name = renewal.internal['role'];
  const role = typeof name === 'string' ? await roles.find(store, name) : undefined;
  if (role === undefined) throw invalidRequest('failed to renew entry: the role no longer exists');
  return renewalOf(role.settings);
}

const said = (description: string): { kind: 'string'; description: string; default: string } => ({
  kind: 'string',
  description,
  default: '',
});

export function azureBackend(ports: AzurePorts): Backend {
  const keySets = new KeySets(ports.clock, ports.fetch);
  return {
    type: 'azure',
    kind: 'auth',
    summary: 'Workloads with a token of their identity in Azure.',
    paths: [
      configPath,
      ...roles.paths,
      definePath({
        pattern: 'login',
        fields: {
          role: said('Role to log in to.'),
          jwt: said('Token of the identity.'),
          subscription_id: said('Subscription of the machine.'),
          resource_group_name: said('Resource group of the machine.'),
          vm_name: said('Name of the machine.'),
          vmss_name: said('Name of its scale set.'),
          resource_id: said('Kept for compatibility: the token tells the resource.'),
        },
        help: { synopsis: 'Logs in with a token of an identity in Azure.' },
        unauthenticated: true,
        login: true,
        operations: {
          update: {
            summary: 'Log in',
            handler: (request, store) => login(request, store, keySets),
          },
        },
      }),
    ],
    renewAuth,
  };
}
