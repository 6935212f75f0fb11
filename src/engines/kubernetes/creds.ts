/** `creds`: a token, of an account that exists or of one that is made with what it needs. */
import type { JsonObject } from '../../base/json.ts';
import { TemplateError } from '../../base/template/template.ts';
import { definePath } from '../../model/backend.ts';
import type { LeaseContext, Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import { member } from '../../model/outgoing.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { clusterOf } from './config.ts';
import { ClusterError, Objects, asFailure } from './objects.ts';
import { findRole } from '../../model/listing/role-paths.ts';
import { DEFAULT_NAME_TEMPLATE, NAME_FIELDS, ROLE_NAME } from './roles.ts';
import type { KubernetesRole, RoleType } from './roles.ts';
import { matches, parseRules, parseSelector } from './selector.ts';
import type { KubernetesPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

export const KUBE_TOKEN = 'kube_token';

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const MADE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** What revocation knows, stored with the lease. */
interface Lent extends JsonObject {
  readonly role: string;
  readonly service_account_namespace: string;
  readonly cluster_role_binding: boolean;
  /** '' = it was there before. */
  readonly created_service_account: string;
  readonly created_role_binding: string;
  readonly created_role: string;
  readonly created_role_type: string;
}

interface CredsFields {
  readonly name: string;
  readonly kubernetes_namespace: string;
  readonly cluster_role_binding: boolean;
  readonly ttl: number | undefined;
  readonly audiences: readonly string[];
}

export function credsPath(ports: KubernetesPorts): Path {
  return definePath({
    pattern: 'creds/{name}',
    fields: {
      name: ROLE_NAME,
      kubernetes_namespace: {
        kind: 'string',
        default: '',
        description: 'Namespace of the account; needless when the role has one only.',
      },
      cluster_role_binding: {
        kind: 'bool',
        default: false,
        description: 'The account is bound in the whole cluster.',
      },
      ttl: { kind: 'duration_seconds', description: 'How long the token lives.' },
      audiences: { kind: 'comma_string_list', default: [], description: 'Whom it is for.' },
    },
    help: {
      synopsis: 'Makes a token of a service account.',
      description: 'What is made for it is removed when its lease ends.',
    },
    operations: {
      update: {
        summary: 'Make a token',
        outsideEffects: true,
        handler: (request, store) => lend(request, store, ports),
      },
    },
  });
}

async function lend(
  request: Request<CredsFields>,
  store: Transaction,
  ports: KubernetesPorts,
): Promise<Reply> {
  const { fields } = request;
  const role = await findRole<KubernetesRole>(store, fields.name);
  if (role === undefined) throw invalidRequest(`role '${fields.name}' does not exist`);
  const objects = new Objects(await clusterOf(store, ports), ports);
  const namespace = await namespaceFor(role, fields.kubernetes_namespace, objects);
  if (fields.cluster_role_binding && role.roleType === 'Role') {
    throw invalidRequest('a ClusterRoleBinding cannot ref a Role');
  }
  const { ttlSeconds, warnings } = ttlOf(request, role);
  const name = role.serviceAccount === '' ? nameFor(request, role, ports) : role.serviceAccount;
  const made = role.serviceAccount === '';
  const internal: Lent = {
    role: role.name,
    service_account_namespace: namespace,
    cluster_role_binding: fields.cluster_role_binding,
    created_service_account: made ? name : '',
    created_role_binding: made ? name : '',
    created_role: role.rules === '' ? '' : name,
    created_role_type: role.roleType,
  };
  const intent = await request.outside.lend(KUBE_TOKEN, internal);
  if (!made) intent.withdraw();
  const audiences = fields.audiences.length > 0 ? fields.audiences : role.audiences;
  let token: string;
  try {
    if (made) await makeAccount(objects, role, namespace, name, fields.cluster_role_binding);
    token = await objects.token(namespace, name, { ttlSeconds, audiences });
  } catch (error) {
    throw asFailure(`failed to create a service account token for ${namespace}/${name}`, error);
  }
  const realSeconds = lifetimeOf(token) ?? ttlSeconds;
  if (realSeconds > ttlSeconds) {
    warnings.push(
      `the created Kubernetes service account token TTL ${realSeconds}s is greater than the lease TTL ${ttlSeconds}s`,
    );
  } else if (realSeconds < ttlSeconds) {
    warnings.push(
      `the created Kubernetes service account token TTL ${realSeconds}s is less than the lease TTL ${ttlSeconds}s; capping the lease TTL accordingly`,
    );
  }
  return {
    data: {
      service_account_namespace: namespace,
      service_account_name: name,
      service_account_token: token,
    },
    warnings,
    lease: {
      ttlSeconds: Math.min(ttlSeconds, realSeconds),
      maxTtlSeconds: role.maxTtlSeconds,
      renewable: false,
      secretType: KUBE_TOKEN,
      internal,
    },
  };
}

/** The namespace, if the role allows it. @throws {RequestError} */
async function namespaceFor(
  role: KubernetesRole,
  asked: string,
  objects: Objects,
): Promise<string> {
  const [only = ''] = role.namespaces;
  if (asked === '') {
    if (role.namespaceSelector === '' && role.namespaces.length === 1 && only !== '*') return only;
    throw invalidRequest(
      "'kubernetes_namespace' is required unless the role has a single namespace specified",
    );
  }
  // It goes into a path of the API.
  if (!NAMESPACE.test(asked)) throw invalidRequest('kubernetes_namespace is no namespace');
  if (role.namespaces.includes('*') || role.namespaces.includes(asked)) return asked;
  const selector =
    role.namespaceSelector === '' ? undefined : parseSelector(role.namespaceSelector);
  if (selector !== undefined) {
    try {
      if (matches(selector, await objects.labelsOf(asked))) return asked;
    } catch (error) {
      throw asFailure('error verifying namespace', error);
    }
  }
  throw invalidRequest(
    `kubernetes_namespace '${asked}' is not present in role's allowed_kubernetes_namespaces or does not match role's label selector allowed_kubernetes_namespace_selector`,
  );
}

function ttlOf(
  { fields, mount }: Request<CredsFields>,
  role: KubernetesRole,
): { readonly ttlSeconds: number; readonly warnings: string[] } {
  const asked = fields.ttl ?? 0;
  let ttlSeconds = asked > 0 ? asked : role.defaultTtlSeconds || mount.defaultLeaseTtlSeconds;
  const warnings: string[] = [];
  for (const [max, whose] of [
    [role.maxTtlSeconds, "the role's token_max_ttl"],
    [mount.maxLeaseTtlSeconds, 'the max lease ttl'],
  ] as const) {
    if (max <= 0 || ttlSeconds <= max) continue;
    warnings.push(`ttl of ${ttlSeconds}s is greater than ${whose} of ${max}s; capping accordingly`);
    ttlSeconds = max;
  }
  return { ttlSeconds, warnings };
}

/** What a caller is called is partly the caller's choice; a name of Kubernetes has letters, digits and dashes. */
function nameFor(
  { principal, nowMs }: Request<CredsFields>,
  role: KubernetesRole,
  { random }: KubernetesPorts,
): string {
  const template = role.nameTemplate === '' ? DEFAULT_NAME_TEMPLATE : role.nameTemplate;
  const harmless = (text: string): string => text.toLowerCase().replace(/[^a-z0-9-]/g, '-');
  const data = {
    DisplayName: harmless(principal?.displayName ?? ''),
    RoleName: harmless(role.name),
  };
  let name: string;
  try {
    name = compileNameTemplate(template, NAME_FIELDS).name(data, { random, nowMs });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`failed to generate name: ${error.message}`);
  }
  if (!MADE_NAME.test(name))
    throw invalidRequest('failed to generate name: it is none of Kubernetes');
  return name;
}

/** Role (where rules say so), binding, account: each belongs to the first one, which the cluster removes them with. */
async function makeAccount(
  objects: Objects,
  role: KubernetesRole,
  namespace: string,
  name: string,
  clusterWide: boolean,
): Promise<void> {
  if (role.rules === '') {
    const about = { ...role, role: { type: role.roleType, name: role.roleName } };
    const owner = await objects.createBinding(clusterWide, namespace, name, about);
    await objects.createAccount(namespace, name, role, owner);
    return;
  }
  const rules = parseRules(role.rules);
  if (rules === undefined) throw new ClusterError('the rules of the role cannot be read');
  const owner = await objects.createRole(role.roleType, namespace, name, { ...role, rules });
  const about = { ...role, role: { type: role.roleType, name } };
  await objects.createBinding(clusterWide, namespace, name, about, owner);
  await objects.createAccount(namespace, name, role, owner);
}

/** Seconds from the making of a token to its end; undefined when it does not say. */
function lifetimeOf(token: string): number | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  let claims: unknown;
  try {
    claims = JSON.parse(payload);
  } catch {
    return undefined;
  }
  const [issued, expires] = [member(claims, 'iat'), member(claims, 'exp')];
  if (typeof issued !== 'number' || typeof expires !== 'number') return undefined;
  return Math.max(0, expires - issued);
}

/** Everything that was made; what never was, or is gone, is no failure. */
export async function revokeCreds(
  ports: KubernetesPorts,
  { internal }: LeaseContext,
  store: Transaction,
): Promise<void> {
  const lent = internal as Lent;
  const namespace = lent.service_account_namespace;
  if (lent.created_service_account === '') return;
  const objects = new Objects(await clusterOf(store, ports), ports);
  try {
    await objects.deleteAccount(namespace, lent.created_service_account);
    await objects.deleteBinding(lent.cluster_role_binding, namespace, lent.created_role_binding);
    if (lent.created_role !== '') {
      await objects.deleteRole(lent.created_role_type as RoleType, namespace, lent.created_role);
    }
  } catch (error) {
    throw asFailure('failed to remove a service account', error);
  }
}
