/** `auth/token/lookup*` and `accessors`: what is known of a token. */
import { formatTime } from '../../base/time-format.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import { LIST_FIELDS } from '../../model/listing/list-names.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import { ttlSeconds } from '../../tokens/token-record.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import type { TokenPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

/** Accessors in one answer: it must not hold a million of them. */
export const ACCESSORS_MAX = 10_000;
/** A listing must not look complete when it is not. */
const CUT = `These are the first ${ACCESSORS_MAX} accessors; ask with "after" and "limit" for the rest.`;

async function shown(
  ports: TokenPorts,
  unit: Unit,
  record: Stored<TokenRecord>,
  id: string,
  nowMs: number,
): Promise<Reply> {
  const identityPolicies = await ports.identityPolicies(unit, record);
  const namespacePath = await ports.namespacePath(unit, record.namespaceId);
  const data: Record<string, unknown> = {
    accessor: record.accessor,
    creation_time: Math.floor(record.createdMs / 1000),
    creation_ttl: record.creationTtlSeconds,
    display_name: record.displayName,
    entity_id: record.entityId,
    expire_time: record.expiresMs === 0 ? null : formatTime(record.expiresMs),
    explicit_max_ttl: record.explicitMaxTtlSeconds,
    id,
    issue_time: formatTime(record.createdMs),
    meta: record.metadata,
    num_uses: record.numUses,
    orphan: await ports.tokens.isOrphan(unit, record),
    path: record.path,
    policies: record.policies,
    renewable: record.renewable,
    ttl: ttlSeconds(record, nowMs),
    type: record.type,
  };
  if (record.boundCidrs.length > 0) data['bound_cidrs'] = record.boundCidrs;
  if (identityPolicies.length > 0) {
    data['identity_policies'] = identityPolicies;
    // Policies of an entity count in the token's own namespace only.
    data['external_namespace_policies'] = {};
  }
  if (record.lastRenewalMs !== 0) {
    data['last_renewal'] = formatTime(record.lastRenewalMs);
    data['last_renewal_time'] = Math.floor(record.lastRenewalMs / 1000);
  }
  if (namespacePath !== '') data['namespace_path'] = namespacePath;
  if (record.periodSeconds !== 0) data['period'] = record.periodSeconds;
  if (record.role !== '') data['role'] = record.role;
  return { data };
}

async function lookup(
  ports: TokenPorts,
  unit: Unit,
  request: Request<unknown>,
  token: string,
): Promise<Reply> {
  const record = await ports.tokens.lookup(unit, token, request.nowMs);
  if (record === undefined) throw new RequestError('permission_denied', 'bad token');
  return await shown(ports, unit, record, token, request.nowMs);
}

/** The token that a body names, '' when it names none. @throws {RequestError} */
export function sentToken({
  fields,
  data,
}: Pick<Request<{ readonly token?: string | undefined }>, 'fields' | 'data'>): string {
  const sent = data['token'];
  // What decides whose life is shown or ended is not read leniently, as other texts are.
  if (sent !== undefined && typeof sent !== 'string')
    throw new RequestError('permission_denied', 'invalid token');
  return fields.token ?? '';
}

/** As {@link sentToken}, but one has to be named. @throws {RequestError} */
export function namedToken(request: Parameters<typeof sentToken>[0]): string {
  const token = sentToken(request);
  if (token === '') throw invalidRequest('missing token ID');
  return token;
}

export function listed(text: string): string {
  return `1 error occurred:\n\t* ${text}\n\n`;
}

export function tokenLookupPaths(ports: TokenPorts): Path<Unit>[] {
  const byToken = async (
    request: Request<{ readonly token?: string | undefined }>,
    unit: Unit,
  ): Promise<Reply> => {
    const given = sentToken(request);
    return await lookup(ports, unit, request, given === '' ? (request.clientToken ?? '') : given);
  };
  return [
    defineSystemPath({
      pattern: 'lookup-self',
      fields: {
        token: {
          kind: 'string',
          description: 'Ignored: the token that is used to ask.',
          deprecated: true,
          sensitive: true,
        },
      },
      help: { synopsis: 'Shows the token that is used to ask.' },
      operations: {
        read: {
          summary: 'Look up the own token',
          handler: (request, unit) => lookup(ports, unit, request, request.clientToken ?? ''),
        },
        update: {
          summary: 'Look up the own token',
          handler: (request, unit) => lookup(ports, unit, request, request.clientToken ?? ''),
        },
      },
    }),
    defineSystemPath({
      pattern: 'lookup',
      fields: {
        token: {
          kind: 'string',
          description: 'The token to look up; the own one when left out.',
          sensitive: true,
        },
      },
      help: { synopsis: 'Shows a token.' },
      operations: {
        read: { summary: 'Look up a token', handler: byToken },
        update: { summary: 'Look up a token', handler: byToken },
      },
    }),
    defineSystemPath({
      pattern: 'lookup-accessor',
      fields: { accessor: { kind: 'string', description: 'Accessor of the token to look up.' } },
      help: { synopsis: 'Shows the token of an accessor, but not the token itself.' },
      operations: {
        update: {
          summary: 'Look up a token by accessor',
          handler: async (request, unit) => {
            const record = await recordOfAccessor(ports, unit, request, request.fields.accessor);
            return await shown(ports, unit, record, '', request.nowMs);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'accessors',
      fields: LIST_FIELDS,
      sudo: true,
      help: {
        synopsis: 'Lists the accessors of all tokens of the namespace. Needs sudo.',
        description: `Answers at most ${ACCESSORS_MAX}; the last one, as \`after\`, gives the next ones. The order of pages is arbitrary and stays.`,
      },
      operations: {
        list: {
          summary: 'List token accessors',
          handler: async ({ fields, namespace, nowMs }, unit) => {
            const { after = '', limit = 0 } = fields;
            const wanted = limit > 0 ? Math.min(limit, ACCESSORS_MAX) : ACCESSORS_MAX;
            const page = { after, limit: wanted, nowMs };
            const keys = await ports.tokens.accessors(unit, namespace.id, page);
            // All there are: nobody needs the order of pages.
            if (after === '' && keys.length < wanted) return { data: { keys: keys.sort() } };
            const cut = limit <= 0 && keys.length === ACCESSORS_MAX;
            return { data: { keys }, ...(cut ? { warnings: [CUT] } : {}) };
          },
        },
      },
    }),
  ];
}

/** The token of an accessor that must be there, in the request's own namespace. @throws {RequestError} */
export async function recordOfAccessor(
  ports: TokenPorts,
  unit: Unit,
  request: Request<unknown>,
  accessor: string | undefined,
): Promise<Stored<TokenRecord>> {
  if (accessor === undefined || accessor === '') throw invalidRequest(listed('missing accessor'));
  const record = await ports.tokens.byAccessor(unit, request.namespace.id, accessor, request.nowMs);
  if (record === undefined) throw invalidRequest(listed('invalid accessor'));
  return record;
}
