/**
 * GetIamPolicy and SetIamPolicy: each role on a secret is a group of identities with a policy of its own, made and read by the ordinary
 * paths (`identity/group`, `sys/policies/acl`) with the caller's own rights. What is granted here is seen and taken back there.
 */
import { createHash } from 'node:crypto';
import { RequestError } from '../../model/errors.ts';
import { messageOf } from './asking.ts';
import type { Ask, Method } from './asking.ts';
import { parentText, parseSecret, secretText } from './names.ts';
import type { SecretName } from './names.ts';
import { placeOf } from './permissions.ts';
import type { MountOf } from './permissions.ts';
import { liveSecret } from './secrets/chosen.ts';
import type { Message } from './wire/schema.ts';
import { StatusError } from './wire/status.ts';

const ROLE_PREFIX = 'roles/secretmanager.';
const MEMBERS_MAX = 1500;
const ETAG_BYTES = 8;
const NAME_DIGITS = 24;

type Grant = readonly [folder: string, ...capabilities: readonly string[]];

const SEE: Grant = ['metadata/', 'read'];
const ADD: Grant = ['data/', 'create', 'update'];
const CHANGE: Grant = ['metadata/', 'read', 'patch'];
const DESTROY: Grant = ['destroy/', 'update'];

/** What each role is in the capabilities of docs/google.md. */
const ROLES: Readonly<Record<string, readonly Grant[]>> = {
  secretAccessor: [['data/', 'read']],
  viewer: [SEE],
  secretVersionAdder: [ADD],
  secretVersionManager: [ADD, CHANGE, DESTROY],
  admin: [
    ['data/', 'create', 'update', 'read'],
    ['metadata/', 'create', 'update', 'read', 'patch', 'delete'],
    DESTROY,
  ],
};

interface Binding {
  readonly role: string;
  readonly members: readonly string[];
}

function wrong(text: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', text);
}

/** Of the group, and of its policy. Names of policies do not tell case apart, ids of secrets do: hence the digest. */
function grantName(name: SecretName, role: string): string {
  const digest = createHash('sha256').update(secretText(name)).digest('hex');
  return `gcp-${digest.slice(0, NAME_DIGITS)}-${role.toLowerCase()}`;
}

function policyText(mount: string, { secret }: SecretName, grants: readonly Grant[]): string {
  const rules = grants.map(([folder, ...capabilities]) => [
    mount + folder + secret,
    // A role never takes away: who may do more by another policy still may.
    { capabilities, adds: true },
  ]);
  return JSON.stringify({ path: Object.fromEntries(rules) as Record<string, unknown> });
}

async function found(asked: Promise<Message>): Promise<Message | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RequestError && error.code === 'not_found') return undefined;
    throw error;
  }
}

class Grants {
  readonly #name: SecretName;
  readonly #ask: Ask;

  constructor(name: SecretName, ask: Ask) {
    this.#name = name;
    this.#ask = ask;
  }

  /** @throws {StatusError} there is no such secret */
  async assertSecret(): Promise<void> {
    const name = this.#name;
    await this.#ask({
      name,
      operation: 'read',
      part: 'secrets',
      path: `metadata/${name.secret}`,
      task: {
        secret(desk) {
          liveSecret(desk, name);
          return undefined;
        },
      },
    });
  }

  async bindings(): Promise<Binding[]> {
    const bindings: Binding[] = [];
    for (const role of Object.keys(ROLES)) {
      const group = await this.#read(`identity/group/name/${grantName(this.#name, role)}`);
      const ids = (group?.['member_entity_ids'] ?? []) as readonly string[];
      const members: string[] = [];
      for (const id of ids) members.push(await this.#memberOf(id));
      if (members.length > 0) {
        bindings.push({ role: ROLE_PREFIX + role, members: members.toSorted() });
      }
    }
    return bindings;
  }

  /** Takes away before it gives. Each role is a change of its own: what was cut off is finished by the same request again. */
  async set(mount: string, wanted: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const resolved = new Map<string, readonly string[]>();
    for (const [role, members] of wanted) {
      const ids: string[] = [];
      for (const member of members) ids.push(await this.#entityOf(member));
      resolved.set(role, [...new Set(ids)]);
    }
    for (const role of Object.keys(ROLES)) {
      if (resolved.has(role)) continue;
      const name = grantName(this.#name, role);
      if ((await this.#read(`identity/group/name/${name}`)) === undefined) continue;
      await this.#ask(this.#at('delete', `identity/group/name/${name}`));
      await this.#ask(this.#at('delete', `sys/policies/acl/${name}`));
    }
    for (const [role, ids] of resolved) {
      const name = grantName(this.#name, role);
      const policy = policyText(mount, this.#name, ROLES[role] ?? []);
      await this.#write(`sys/policies/acl/${name}`, { policy });
      await this.#write(`identity/group/name/${name}`, {
        type: 'internal',
        policies: [name],
        member_entity_ids: [...ids],
        metadata: { resource: secretText(this.#name).slice(0, 512), role: ROLE_PREFIX + role },
      });
    }
  }

  #at(operation: 'read' | 'delete', path: string): Parameters<Ask>[0] {
    return { name: this.#name, operation, part: '', path, body: {} };
  }

  async #read(path: string): Promise<Message | undefined> {
    return await found(this.#ask(this.#at('read', path)).then(messageOf));
  }

  async #write(path: string, body: NonNullable<Parameters<Ask>[0]['body']>): Promise<void> {
    await this.#ask({ name: this.#name, operation: 'write', part: '', path, body });
  }

  /** What e-mails of service accounts of this project end in, as their key files have it. */
  get #domain(): string {
    return `@${this.#name.project.replaceAll(':', '.')}.iam.strongroom`;
  }

  async #memberOf(id: string): Promise<string> {
    const entity = await this.#read(`identity/entity/id/${id}`);
    const name = typeof entity?.['name'] === 'string' ? entity['name'] : id;
    return `serviceAccount:${name}${this.#domain}`;
  }

  /** @throws {StatusError} nobody here is meant */
  async #entityOf(member: string): Promise<string> {
    const [kind = '', ...rest] = member.split(':');
    const account = rest.join(':');
    if (kind === 'allUsers' || kind === 'allAuthenticatedUsers') {
      throw wrong(`${kind} is refused: no secret is given to everybody.`);
    }
    if (kind !== 'serviceAccount' || !account.endsWith(this.#domain)) {
      throw wrong(
        `A member is not supported: members are service accounts of this server (serviceAccount:NAME${this.#domain}).`,
      );
    }
    const name = account.slice(0, -this.#domain.length);
    if (!/^[\w.-]{1,128}$/.test(name)) throw wrong('The name of a member is not valid.');
    const entity =
      (await this.#read(`identity/entity/name/${name}`)) ??
      (await this.#read(`identity/entity/id/${name}`));
    if (typeof entity?.['id'] !== 'string') {
      throw wrong('A member does not exist: there is no identity of that name.');
    }
    return entity['id'];
  }
}

function etagOf(bindings: readonly Binding[]): Buffer {
  return createHash('sha256').update(JSON.stringify(bindings)).digest().subarray(0, ETAG_BYTES);
}

function policyMessage(bindings: readonly Binding[]): Message {
  return {
    version: 1,
    etag: etagOf(bindings),
    bindings: bindings.map(({ role, members }) => ({ role, members: [...members] })),
  };
}

/** Members by role, without its prefix. @throws {StatusError} */
function wantedOf(policy: Message): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  const sent = (policy['bindings'] ?? []) as readonly Message[];
  if (((policy['auditConfigs'] ?? []) as readonly unknown[]).length > 0) {
    throw wrong('Audit configurations are not supported: everything is audited.');
  }
  let count = 0;
  for (const binding of sent) {
    const name = (binding['role'] ?? '') as string;
    const role = name.startsWith(ROLE_PREFIX) ? name.slice(ROLE_PREFIX.length) : '';
    if (!Object.hasOwn(ROLES, role)) {
      const known = Object.keys(ROLES).map((each) => ROLE_PREFIX + each);
      throw wrong(`A role is not supported on this resource; these are: ${known.join(', ')}.`);
    }
    if (binding['condition'] !== undefined) throw wrong('Conditions are not supported.');
    const members = (binding['members'] ?? []) as readonly string[];
    count += members.length;
    if (count > MEMBERS_MAX) throw wrong(`At most ${MEMBERS_MAX} members are allowed.`);
    if (members.length > 0) wanted.set(role, [...(wanted.get(role) ?? []), ...members]);
  }
  return wanted;
}

function resourceOf(request: Message): SecretName {
  return parseSecret((request['resource'] as string | undefined) ?? '');
}

export const getIamPolicy: Method = async (request, ask) => {
  const grants = new Grants(resourceOf(request), ask);
  await grants.assertSecret();
  return policyMessage(await grants.bindings());
};

export function setIamPolicy(mountOf: MountOf): Method {
  return async (request, ask) => {
    const name = resourceOf(request);
    const policy = (request['policy'] ?? {}) as Message;
    const wanted = wantedOf(policy);
    const grants = new Grants(name, ask);
    await grants.assertSecret();
    const etag = policy['etag'] as Buffer | undefined;
    const current = etagOf(await grants.bindings());
    if (etag !== undefined && etag.length > 0 && !etag.equals(current)) {
      throw new StatusError(
        'ABORTED',
        'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
      );
    }
    const mount = await mountOf(placeOf(name));
    if (mount === undefined) {
      throw new StatusError('NOT_FOUND', `Project [${parentText(name)}] not found.`);
    }
    await grants.set(mount, wanted);
    return policyMessage(await grants.bindings());
  };
}
