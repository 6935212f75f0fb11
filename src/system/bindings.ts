/** `sys/bindings`: what the accounts, vaults and projects that other clouds' clients name are here. */
import { isAccountId } from '../model/access-key-id.ts';
import { BOUND_PROTOCOLS, bindingKey } from '../core/bindings/bindings.ts';
import type { Binding, Bindings, BoundProtocol } from '../core/bindings/bindings.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, notFound } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import type { Reply } from '../model/reply.ts';

const NAME_MAX = 253;
const PATH_MAX = 512;
const BINDINGS_MAX = 10_000;
/** Azure's own bounds. */
const RECOVERY_DAYS_MIN = 7;
const RECOVERY_DAYS_MAX = 90;
/** A region of AWS, a location of Google. */
const REGION = /^[a-z0-9-]{1,64}$/;
/** A host of Azure without its port. */
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const PROJECT = /^[a-z0-9][a-z0-9.:-]{0,62}$/;

const fields = {
  protocol: { kind: 'string', description: 'aws, azure or gcp.' },
  name: {
    kind: 'lower_string',
    description:
      'The account (aws, 12 digits), the host of the vault (azure) or the project (gcp).',
  },
  region: {
    kind: 'string',
    description: 'The region (aws) or location (gcp); without one the binding is for all others.',
  },
  namespace: { kind: 'string', description: 'The namespace; the root namespace by default.' },
  mount: {
    kind: 'string',
    description: 'The KV mount (version 2) that holds the secrets.',
    default: 'secret/',
  },
  keys_mount: { kind: 'string', description: 'The transit mount that holds the keys.' },
  certificates_mount: { kind: 'string', description: 'The PKI mount that issues certificates.' },
  login_mount: {
    kind: 'string',
    description: 'The auth mount that judges web identities: `auth/kubernetes/`, `auth/jwt/`.',
  },
  recovery_days: {
    kind: 'int',
    description: 'azure: for how many days a deleted object can be recovered, 7 to 90.',
    default: RECOVERY_DAYS_MAX,
  },
  purge_protection: {
    kind: 'bool',
    description: 'azure: nobody may remove a deleted object for good before its time.',
    default: false,
  },
} as const;

export interface BindingFields {
  readonly protocol?: string | undefined;
  readonly name?: string | undefined;
  readonly region?: string | undefined;
  readonly namespace?: string | undefined;
  readonly mount: string;
  readonly keys_mount?: string | undefined;
  readonly certificates_mount?: string | undefined;
  readonly login_mount?: string | undefined;
  readonly recovery_days: number;
  readonly purge_protection: boolean;
}

const NAMES: Readonly<Record<BoundProtocol, (name: string) => boolean>> = {
  aws: isAccountId,
  azure: (name) => HOST.test(name),
  gcp: (name) => PROJECT.test(name),
};

function folder(path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  if (path.length > PATH_MAX || path.startsWith('/') || path.includes('//')) {
    throw invalidRequest('a mount path of the binding cannot be one');
  }
  return path.endsWith('/') ? path : `${path}/`;
}

/** The binding that the fields describe. @throws {RequestError} they describe none */
export function bindingOf(sent: BindingFields): Binding {
  const { name = '', region = '' } = sent;
  const protocol = BOUND_PROTOCOLS.find((each) => each === sent.protocol);
  if (protocol === undefined) throw invalidRequest('protocol must be aws, azure or gcp');
  if (name.length > NAME_MAX || !NAMES[protocol](name)) {
    throw invalidRequest('name must be an account of 12 digits, a host name or a project id');
  }
  if (region !== '' && (protocol === 'azure' || !REGION.test(region))) {
    throw invalidRequest('region must be the name of a region');
  }
  const mounts = {
    secrets: folder(sent.mount),
    keys: folder(sent.keys_mount),
    certificates: folder(sent.certificates_mount),
    login: folder(sent.login_mount),
  };
  const { recovery_days: recoveryDays, purge_protection: purgeProtection } = sent;
  if (recoveryDays < RECOVERY_DAYS_MIN || recoveryDays > RECOVERY_DAYS_MAX) {
    throw invalidRequest(
      `recovery_days must be between ${RECOVERY_DAYS_MIN} and ${RECOVERY_DAYS_MAX}`,
    );
  }
  return {
    protocol,
    name,
    region,
    ...(protocol === 'azure' ? { retention: { recoveryDays, purgeProtection } } : {}),
    namespace: folder(sent.namespace) ?? '',
    mounts: Object.fromEntries(
      Object.entries(mounts).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}

function shown(binding: Binding, configured: boolean): Record<string, unknown> {
  const { mounts } = binding;
  return {
    protocol: binding.protocol,
    name: binding.name,
    region: binding.region,
    namespace: binding.namespace,
    mount: mounts.secrets ?? '',
    keys_mount: mounts.keys ?? '',
    certificates_mount: mounts.certificates ?? '',
    login_mount: mounts.login ?? '',
    ...(binding.retention === undefined
      ? {}
      : {
          recovery_days: binding.retention.recoveryDays,
          purge_protection: binding.retention.purgeProtection,
        }),
    configured,
  };
}

interface Ports {
  readonly bindings: Bindings;
  readonly namespaceExists: (unit: Unit, path: string) => Promise<boolean>;
}

/** @throws {RequestError} regions of one account in two namespaces: its access keys live in one */
function assertOneNamespace(all: ReadonlyMap<string, Binding>, binding: Binding): void {
  for (const other of all.values()) {
    if (
      other.protocol === binding.protocol &&
      other.name === binding.name &&
      bindingKey(other) !== bindingKey(binding) &&
      other.namespace !== binding.namespace
    ) {
      throw invalidRequest('another region of that name is bound to another namespace');
    }
  }
}

export function bindingPaths({ bindings, namespaceExists }: Ports): Path<Unit>[] {
  const key = (request: Request<BindingFields>): Pick<Binding, 'protocol' | 'name' | 'region'> =>
    bindingOf(request.fields);

  async function write(request: Request<BindingFields>, unit: Unit): Promise<undefined> {
    const binding = bindingOf(request.fields);
    if (bindings.isConfigured(binding)) {
      throw invalidRequest('the binding is in the configuration, which is where to change it');
    }
    if (!(await namespaceExists(unit, binding.namespace))) {
      throw invalidRequest('there is no such namespace');
    }
    const all = await bindings.all(unit as CoreUnit);
    if (all.size >= BINDINGS_MAX) throw invalidRequest(`at most ${BINDINGS_MAX} bindings`);
    assertOneNamespace(all, binding);
    bindings.put(unit as CoreUnit, binding);
  }

  async function read(request: Request<BindingFields>, unit: Unit): Promise<Reply> {
    const found = (await bindings.all(unit as CoreUnit)).get(bindingKey(key(request)));
    if (found === undefined) throw notFound();
    return { data: shown(found, bindings.isConfigured(found)) };
  }

  async function remove(request: Request<BindingFields>, unit: Unit): Promise<undefined> {
    const named = key(request);
    if (bindings.isConfigured(named)) {
      throw invalidRequest('the binding is in the configuration, which is where to change it');
    }
    const all = await bindings.all(unit as CoreUnit);
    if (all.has(bindingKey(named))) bindings.remove(unit as CoreUnit, named);
  }

  async function list(
    request: Request<{ protocol?: string | undefined }>,
    unit: Unit,
  ): Promise<Reply> {
    const found = [...(await bindings.all(unit as CoreUnit)).values()]
      .filter((each) => each.protocol === request.fields.protocol)
      .map((each): [string, unknown] => [
        each.region === '' ? each.name : `${each.name}/${each.region}`,
        shown(each, bindings.isConfigured(each)),
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (found.length === 0) throw notFound();
    return { data: { keys: found.map(([name]) => name), key_info: Object.fromEntries(found) } };
  }

  return [
    defineSystemPath({
      pattern: 'bindings/{protocol}',
      fields: { protocol: fields.protocol },
      rootNamespaceOnly: true,
      help: { synopsis: 'What the names of another cloud’s clients are bound to here.' },
      operations: { list: { summary: 'List the bindings of a protocol', handler: list } },
    }),
    defineSystemPath({
      pattern: 'bindings/{protocol}/{name:any}[/{region:any}]',
      fields,
      rootNamespaceOnly: true,
      sudo: true,
      help: {
        synopsis:
          'Binds an AWS account, an Azure vault or a Google project to a namespace and mounts.',
        description: 'Bindings of the configuration are shown, and changed only there.',
      },
      operations: {
        read: { summary: 'Read a binding', handler: read },
        update: { summary: 'Bind a name', handler: write },
        delete: { summary: 'Unbind a name', handler: remove },
      },
    }),
  ];
}
