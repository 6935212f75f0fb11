/** `auth/token/renew*`: a longer life, within the limits that the token was born with. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import { USES_SPENT } from '../../tokens/token-record.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import { effectiveTtl } from '../../tokens/ttl.ts';
import { namedToken, recordOfAccessor } from './lookup.ts';
import { issuedAuth } from './ports.ts';
import type { TokenPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

const increment = {
  kind: 'duration_seconds',
  description: 'How long the token should live from now; the last TTL when left out.',
  default: 0,
} as const;

async function renew(
  ports: TokenPorts,
  unit: Unit,
  request: Request<{ readonly increment: number }>,
  record: Stored<TokenRecord>,
  shownToken: string,
): Promise<Reply> {
  if (record.type === 'batch') throw invalidRequest('batch tokens cannot be renewed');
  if (!record.renewable || record.expiresMs === 0) throw invalidRequest('lease is not renewable');
  const wish = request.fields.increment;
  const bounds = await ports.renewalBounds(unit, record, request, wish);
  const { seconds, warnings } = effectiveTtl({
    wantedSeconds: wish > 0 ? wish : bounds.wantedSeconds,
    periodSeconds: bounds.periodSeconds,
    explicitMaxSeconds: bounds.explicitMaxSeconds,
    maxSeconds: bounds.maxSeconds,
    mountDefaultSeconds: bounds.mountDefaultSeconds,
    mountMaxSeconds: bounds.mountMaxSeconds,
    ageSeconds: (request.nowMs - record.createdMs) / 1000,
  });
  const renewed: TokenRecord = {
    ...record,
    ttlSeconds: seconds,
    expiresMs: request.nowMs + seconds * 1000,
    lastRenewalMs: request.nowMs,
  };
  ports.tokens.update(unit, renewed);
  ports.tokens.reschedule(unit, record, renewed);
  const identityPolicies = await ports.identityPolicies(unit, renewed);
  return {
    issuedAuth: issuedAuth(
      { ...renewed, numUses: renewed.usesGiven },
      shownToken,
      identityPolicies,
      record.lineage.length === 0,
      request.nowMs,
    ),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

async function renewToken(
  ports: TokenPorts,
  unit: Unit,
  request: Request<{ readonly increment: number }>,
  token: string,
): Promise<Reply> {
  const record = await ports.tokens.lookup(unit, token, request.nowMs);
  // One whose last use this is has no life that could be longer.
  if (record === undefined || record.numUses === USES_SPENT)
    throw invalidRequest('token not found');
  if (record.namespaceId !== request.namespace.id)
    throw invalidRequest('cannot renew a token across namespaces');
  return await renew(ports, unit, request, record, token);
}

export function tokenRenewPaths(ports: TokenPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'renew-self',
      fields: {
        increment,
        token: {
          kind: 'string',
          description: 'Ignored: the token that is used to ask.',
          deprecated: true,
          sensitive: true,
        },
      },
      help: { synopsis: 'Renews the token that is used to ask.' },
      operations: {
        update: {
          summary: 'Renew the own token',
          handler: (request, unit) => renewToken(ports, unit, request, request.clientToken ?? ''),
        },
      },
    }),
    defineSystemPath({
      pattern: 'renew',
      fields: {
        increment,
        token: { kind: 'string', description: 'The token to renew.', sensitive: true },
      },
      help: { synopsis: 'Renews a token.' },
      operations: {
        update: {
          summary: 'Renew a token',
          handler: async (request, unit) => {
            return await renewToken(ports, unit, request, namedToken(request));
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'renew-accessor',
      fields: {
        increment,
        accessor: { kind: 'string', description: 'Accessor of the token to renew.' },
      },
      help: { synopsis: 'Renews the token of an accessor, without showing it.' },
      operations: {
        update: {
          summary: 'Renew a token by accessor',
          handler: async (request, unit) => {
            const record = await recordOfAccessor(ports, unit, request, request.fields.accessor);
            return await renew(ports, unit, request, record, '');
          },
        },
      },
    }),
  ];
}
