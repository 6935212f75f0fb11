/** `identity/credential`: credentials that an identity shows with each request, in the tongues of other clouds. */
import type { Random } from '../../base/random.ts';
import { canonicalCidr } from '../../base/cidr.ts';
import { formatTime } from '../../base/time-format.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import type { Identity } from '../identity.ts';
import type { EntityRecord } from '../records.ts';
import { ISSUERS } from './issue.ts';
import type { CredentialJudge } from './judge.ts';
import { CREDENTIALS_OF_ENTITY_MAX } from './record.ts';
import type { CredentialRecord, TokenName } from './record.ts';
import { CredentialStore } from './store.ts';
import type { Reply } from '../../model/reply.ts';

export interface CredentialPorts {
  readonly random: Random;
  readonly judge: CredentialJudge;
  /** Ends the token of a credential, and what hangs on it. */
  readonly endToken: (unit: Unit, token: TokenName, nowMs: number) => Promise<void>;
}

const DESCRIPTION_BYTES_MAX = 512;
const LISTED_AT_ONCE = 500;
const OVERLAP_SECONDS_DEFAULT = 3600;
const LOGIN_TTL_SECONDS_DEFAULT = 3600;
const CIDRS_MAX = 64;

const kind = {
  kind: 'string',
  description: 'access-key (AWS), client-secret (Azure) or service-account-key (Google).',
} as const;
const id = { kind: 'string', description: 'Id of the credential.' } as const;
const settings = {
  description: { kind: 'string', description: 'What the credential is for.' },
  enabled: { kind: 'bool', description: 'False: it cannot be used.' },
  ttl: { kind: 'duration_seconds', description: 'How long it can be used; 0 = without end.' },
  bound_cidrs: {
    kind: 'comma_string_list',
    description: 'Addresses that it may be used from; none = any.',
  },
} as const;

interface Settings {
  readonly kind?: string | undefined;
  readonly id?: string | undefined;
  readonly description?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly ttl?: number | undefined;
  readonly bound_cidrs?: readonly string[] | undefined;
}

interface IssueFields extends Settings {
  readonly entity_id?: string | undefined;
  readonly entity_name?: string | undefined;
  readonly bound_to?: string | undefined;
  readonly token_uri?: string | undefined;
}

type Making = Pick<
  CredentialRecord,
  'description' | 'enabled' | 'expiresMs' | 'boundTo' | 'boundCidrs'
>;

function settingsOf(fields: Settings, before: Stored<Making>, nowMs: number): Making {
  const { description = before.description, enabled = before.enabled, ttl } = fields;
  if (Buffer.byteLength(description) > DESCRIPTION_BYTES_MAX) {
    throw invalidRequest('the description is too long');
  }
  const cidrs = (fields.bound_cidrs ?? before.boundCidrs).map((text) => {
    const range = canonicalCidr(text);
    if (range === undefined) throw invalidRequest('bound_cidrs holds what is no address range');
    return range;
  });
  if (cidrs.length > CIDRS_MAX) throw invalidRequest(`at most ${CIDRS_MAX} address ranges`);
  const expiresMs = ttl === undefined ? before.expiresMs : ttl === 0 ? 0 : nowMs + ttl * 1000;
  return { description, enabled, expiresMs, boundTo: before.boundTo, boundCidrs: cidrs };
}

function shownTime(ms: number): string | null {
  return ms === 0 ? null : formatTime(ms);
}

function shown(record: Stored<CredentialRecord>): Record<string, unknown> {
  return {
    id: record.id,
    kind: record.kind,
    entity_id: record.entityId,
    description: record.description,
    enabled: record.enabled,
    bound_to: record.boundTo,
    bound_cidrs: record.boundCidrs,
    created_time: formatTime(record.createdMs),
    expire_time: shownTime(record.expiresMs),
    last_used_time: shownTime(record.lastUsedMs),
    ...(record.account === undefined ? {} : { client_email: record.account }),
  };
}

/** `identity/credential…` and `identity/credential-login`. */
export function credentialPaths(identity: Identity, ports: CredentialPorts): Path<Unit>[] {
  async function make(
    request: Request<Settings>,
    unit: Unit,
    entity: EntityRecord,
    making: Making,
    tokenUri: string,
  ): Promise<Reply> {
    const row = ISSUERS.get(request.fields.kind ?? '');
    if (row === undefined) throw invalidRequest('unknown kind of credential');
    const store = new CredentialStore(unit, request.namespace.id);
    const held = await store.idsOf(entity.id, CREDENTIALS_OF_ENTITY_MAX);
    if (held.length >= CREDENTIALS_OF_ENTITY_MAX) {
      throw invalidRequest(`an entity has at most ${CREDENTIALS_OF_ENTITY_MAX} credentials`);
    }
    const { boundTo } = making;
    const issued = await row.issue(ports.random, { entity, boundTo, tokenUri });
    const record: CredentialRecord = {
      id: issued.id,
      kind: row.kind,
      entityId: entity.id,
      createdMs: request.nowMs,
      lastUsedMs: 0,
      ...making,
      ...issued.record,
    };
    store.add(record, issued.stored);
    return { data: { ...shown(record), ...issued.shown } };
  }

  async function issue(request: Request<IssueFields>, unit: Unit): Promise<Reply> {
    const { fields, nowMs } = request;
    const entity = await entityOf(identity.in(unit, request.namespace), fields);
    const blank: Making = {
      description: '',
      enabled: true,
      expiresMs: 0,
      boundTo: fields.bound_to ?? '',
      boundCidrs: [],
    };
    return await make(
      request,
      unit,
      entity,
      settingsOf(fields, blank, nowMs),
      fields.token_uri ?? '',
    );
  }

  async function existing(
    request: Request<Settings>,
    unit: Unit,
  ): Promise<readonly [CredentialStore, Stored<CredentialRecord>, TokenName | undefined]> {
    const store = new CredentialStore(unit, request.namespace.id);
    const [record, token] = await store.findWithToken(request.fields.id ?? '');
    if (record === undefined || record.kind !== request.fields.kind) throw notFound();
    return [store, record, token];
  }

  async function update(request: Request<Settings>, unit: Unit): Promise<Reply> {
    const [store, record, token] = await existing(request, unit);
    const changed = { ...record, ...settingsOf(request.fields, record, request.nowMs) };
    store.put(changed);
    // What depends on the settings is in the token: the next use makes another.
    if (token !== undefined) await ports.endToken(unit, token, request.nowMs);
    return { data: shown(changed) };
  }

  async function remove(request: Request<Settings>, unit: Unit): Promise<undefined> {
    const [store, record, token] = await existing(request, unit);
    if (token !== undefined) await ports.endToken(unit, token, request.nowMs);
    await store.remove(record);
  }

  async function rotate(
    request: Request<Settings & { overlap: number; token_uri?: string | undefined }>,
    unit: Unit,
  ): Promise<Reply> {
    const { fields, nowMs } = request;
    const [store, record] = await existing(request, unit);
    const entity = await entityOf(identity.in(unit, request.namespace), {
      entity_id: record.entityId,
    });
    const { description, enabled, boundTo, boundCidrs } = record;
    const lifeMs = record.expiresMs === 0 ? 0 : record.expiresMs - record.createdMs;
    const expiresMs = lifeMs === 0 ? 0 : nowMs + lifeMs;
    const making: Making = { description, enabled, boundTo, boundCidrs, expiresMs };
    const reply = await make(request, unit, entity, making, fields.token_uri ?? '');
    const endsMs = nowMs + fields.overlap * 1000;
    const endMs = record.expiresMs === 0 ? endsMs : Math.min(record.expiresMs, endsMs);
    store.put({ ...record, expiresMs: endMs });
    return { data: { ...reply.data, previous_id: record.id, previous_expires: formatTime(endMs) } };
  }

  async function list(
    request: Request<{ kind?: string | undefined; entity_id?: string | undefined }>,
    unit: Unit,
  ): Promise<Reply> {
    const store = new CredentialStore(unit, request.namespace.id);
    const { kind: wanted, entity_id: entityId } = request.fields;
    const found: [string, unknown][] = [];
    let after = '';
    for (;;) {
      const ids =
        entityId === undefined
          ? await store.ids(after, LISTED_AT_ONCE)
          : await store.idsOf(entityId, CREDENTIALS_OF_ENTITY_MAX);
      for (const each of ids) {
        const record = await store.find(each);
        if (record?.kind === wanted && record !== undefined) found.push([each, shown(record)]);
      }
      if (entityId !== undefined || ids.length < LISTED_AT_ONCE) break;
      after = ids.at(-1) ?? '';
    }
    if (found.length === 0) throw notFound();
    return { data: { keys: found.map(([each]) => each), key_info: Object.fromEntries(found) } };
  }

  /** Turns a credential into a token that the caller holds: OAuth token endpoints. */
  async function login(request: Request<{ readonly ttl: number }>, unit: Unit): Promise<Reply> {
    const { evidence, nowMs, namespace } = request;
    if (evidence === undefined) throw permissionDenied('no credential was shown');
    const judged = await ports.judge.judge(unit, namespace.id, evidence, nowMs);
    if (judged.session !== undefined) throw permissionDenied('a session cannot log in');
    const { credential } = judged;
    const entity = await entityOf(identity.in(unit, namespace), { entity_id: credential.entityId });
    return {
      auth: {
        displayName: `${credential.kind}-${entity.name}`,
        policies: [],
        metadata: {
          credential_id: credential.id,
          credential_kind: credential.kind,
          entity_name: entity.name,
        },
        ttlSeconds: request.fields.ttl,
        maxTtlSeconds: 0,
        renewable: false,
        boundCidrs: credential.boundCidrs,
        entityId: credential.entityId,
      },
    };
  }

  function self({ principal, callerName }: Request<unknown>): Reply {
    if (principal === undefined || callerName === undefined) throw permissionDenied();
    return { data: { name: callerName, entity_id: principal.entityId } };
  }

  return [
    defineSystemPath({
      pattern: 'credential-login',
      fields: {
        ttl: {
          kind: 'duration_seconds',
          description: 'How long the token is to live.',
          default: LOGIN_TTL_SECONDS_DEFAULT,
        },
      },
      login: true,
      help: {
        synopsis: 'Logs in with a credential of an identity.',
        description: 'For the token endpoints of other protocols: the proof is taken by them.',
      },
      operations: { update: { summary: 'Log in with a credential', handler: login } },
    }),
    defineSystemPath({
      pattern: 'credential-self',
      fields: {},
      // Whoever proves a credential may know whose it is: other clouds ask no permission for that either.
      unauthenticated: true,
      help: { synopsis: 'Whose credential this is.' },
      operations: { read: { summary: 'Say whose credential was shown', handler: self } },
    }),
    defineSystemPath({
      pattern: 'credential/{kind}',
      fields: {
        kind,
        entity_id: { kind: 'string', description: 'Id of the entity that the credential is of.' },
        entity_name: { kind: 'string', description: 'Its name, in place of the id.' },
        bound_to: {
          kind: 'string',
          description: 'The AWS account or Google project that the credential is for.',
        },
        token_uri: {
          kind: 'string',
          description: 'Google: the token endpoint that the key file is to name.',
        },
        ...settings,
      },
      help: {
        synopsis: 'Credentials of identities: issues one, lists them.',
        description:
          'A credential does what its entity may. Its secret is shown once. Every use of it has an ordinary token behind it.',
      },
      operations: {
        update: { summary: 'Issue a credential', handler: issue },
        list: { summary: 'List credentials', handler: list },
      },
    }),
    defineSystemPath({
      pattern: 'credential/{kind}/{id:any}',
      fields: { kind, id, ...settings },
      help: { synopsis: 'One credential: state, settings, last use.' },
      operations: {
        read: {
          summary: 'Read a credential, without its secret',
          handler: async (request, unit) => ({ data: shown((await existing(request, unit))[1]) }),
        },
        update: { summary: 'Change, enable or disable a credential', handler: update },
        delete: { summary: 'Delete a credential', handler: remove },
      },
    }),
    defineSystemPath({
      pattern: 'credential/{kind}/{id:any}/rotate',
      fields: {
        kind,
        id,
        token_uri: { kind: 'string', description: 'As when issuing.' },
        overlap: {
          kind: 'duration_seconds',
          description: 'How long the one before can still be used.',
          default: OVERLAP_SECONDS_DEFAULT,
        },
      },
      help: { synopsis: 'Issues a successor of a credential and lets the old one run out.' },
      operations: { update: { summary: 'Rotate a credential', handler: rotate } },
    }),
  ];
}

async function entityOf(
  directory: Directory,
  { entity_id: entityId, entity_name: name }: IssueFields,
): Promise<EntityRecord> {
  const entity =
    entityId !== undefined
      ? ((await directory.entity(entityId)) ?? (await directory.entityMergedFrom(entityId)))
      : name === undefined
        ? undefined
        : await directory.entityByName(name);
  if (entity === undefined) throw invalidRequest('there is no such entity');
  if (entity.disabled) throw permissionDenied('the entity is disabled');
  return entity;
}
