/** `auth/token/revoke*` and `tidy`: the end of a token, at once and with all that hangs on it. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import { NAMESPACE_ID_LENGTH } from '../../core/mounts/namespaces.ts';
import { isExpired, namespaceIdIn } from '../../tokens/token-record.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import { listed, namedToken } from './lookup.ts';
import type { TokenPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

/**
 * Before any token's end: a token that is over by the clock of this server may be taken for alive by another, whose clock is
 * behind. Who revokes it is told that it is gone, so it has to go.
 */
const BEFORE_ANY_END_MS = 0;

/** A token as it is stored, whether or not its time is over. */
async function storedToken(
  ports: TokenPorts,
  unit: Unit,
  text: string,
  nowMs: number,
): Promise<Stored<TokenRecord> | undefined> {
  return whole(await ports.tokens.lookup(unit, text, BEFORE_ANY_END_MS), nowMs);
}

/** A batch token is not stored: when its time is over there is nothing to revoke. */
function whole(
  record: Stored<TokenRecord> | undefined,
  nowMs: number,
): Stored<TokenRecord> | undefined {
  return record?.type === 'batch' && isExpired(record, nowMs) ? undefined : record;
}

/** What an accessor says of its namespace; whether there is one is not looked up. */
function belongsTo(namespaceId: string, accessor: string): boolean {
  const named = namespaceIdIn(accessor);
  if (named === namespaceId) return true;
  return namespaceId === ROOT_NAMESPACE_ID && named?.length !== NAMESPACE_ID_LENGTH;
}

function revoke(
  ports: TokenPorts,
  unit: Unit,
  request: Request<unknown>,
  record: Stored<TokenRecord>,
): Reply {
  if (record.type === 'batch') throw invalidRequest('batch tokens cannot be revoked');
  ports.tokens.revoke(unit, record, request.nowMs);
  return { settle: true };
}

const token = { kind: 'string', description: 'The token to revoke.', sensitive: true } as const;

export function tokenRevokePaths(ports: TokenPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'revoke-self',
      fields: {},
      help: { synopsis: 'Revokes the token that is used to ask, its children and its leases.' },
      operations: {
        update: {
          summary: 'Revoke the own token',
          handler: async (request, unit) => {
            const record = await ports.tokens.lookup(
              unit,
              request.clientToken ?? '',
              request.nowMs,
            );
            return record === undefined ? undefined : revoke(ports, unit, request, record);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'revoke',
      fields: { token },
      help: { synopsis: 'Revokes a token, its children and its leases.' },
      operations: {
        update: {
          summary: 'Revoke a token',
          handler: async (request, unit) => {
            const text = namedToken(request);
            const record = await storedToken(ports, unit, text, request.nowMs);
            return record === undefined ? undefined : revoke(ports, unit, request, record);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'revoke-accessor',
      fields: { accessor: { kind: 'string', description: 'Accessor of the token to revoke.' } },
      help: { synopsis: 'Revokes the token of an accessor, its children and its leases.' },
      operations: {
        update: {
          summary: 'Revoke a token by accessor',
          handler: async (request, unit): Promise<Reply | undefined> => {
            const { accessor } = request.fields;
            if (accessor === undefined || accessor === '')
              throw invalidRequest(listed('missing accessor'));
            const { namespace } = request;
            if (!belongsTo(namespace.id, accessor))
              throw invalidRequest('cannot lookup token in different namespace');
            const record = await ports.tokens.byAccessor(
              unit,
              namespace.id,
              accessor,
              BEFORE_ANY_END_MS,
            );
            if (record === undefined) return { warnings: ['No token found with this accessor'] };
            return revoke(ports, unit, request, record);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'revoke-orphan',
      fields: { token },
      help: {
        synopsis: 'Revokes a token and its leases; its children live on as orphans. Needs sudo.',
      },
      operations: {
        update: {
          summary: 'Revoke a token, but not its children',
          handler: async (request, unit) => {
            const text = namedToken(request);
            if (!request.sudo)
              throw invalidRequest('root or sudo privileges required to revoke and orphan');
            const record = await storedToken(ports, unit, text, request.nowMs);
            if (record === undefined) throw invalidRequest('token to revoke not found');
            if (record.type === 'batch') throw invalidRequest('batch tokens cannot be revoked');
            ports.tokens.revokeOrphan(unit, record, request.nowMs);
            return { settle: true };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'tidy',
      fields: {},
      help: { synopsis: 'Removes what revoked tokens may have left behind.' },
      operations: {
        update: {
          summary: 'Start a clean-up',
          handler: () => {
            return {
              settle: true,
              status: 202,
              warnings: [
                'Tidy operation successfully started. Any information from the operation will be printed to the server logs.',
              ],
            };
          },
        },
      },
    }),
  ];
}
