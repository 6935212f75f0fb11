/** Access tokens of a service account, by impersonation: nothing is made that would have to be removed. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { member } from '../../model/outgoing.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { KINDS, NAME, accountOf } from './accounts.ts';
import type { Kind } from './accounts.ts';
import { configOf } from './config.ts';
import { GoogleError, asFailure, googleOf } from './google.ts';
import type { GcpPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

async function token(
  { fields, nowMs }: Request<{ readonly name: string }>,
  store: Transaction,
  kind: Kind,
  ports: GcpPorts,
): Promise<Reply> {
  const { email, scopes, secretType, ttlSeconds } = await accountOf(store, kind, fields.name);
  if (secretType !== 'access_token') throw invalidRequest('the account gives keys, not tokens');
  const config = await configOf(store);
  try {
    const call = await googleOf(config, ports, nowMs);
    const path = `/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
    const wanted = { scope: scopes, lifetime: `${ttlSeconds}s` };
    const document = await call('iamcredentials', 'POST', path, wanted);
    const accessToken = member(document, 'accessToken');
    const expiresMs = Date.parse(String(member(document, 'expireTime')));
    if (typeof accessToken !== 'string' || Number.isNaN(expiresMs)) {
      throw new GoogleError('the answer has no access token');
    }
    return {
      data: {
        token: accessToken,
        token_ttl: Math.max(0, Math.floor((expiresMs - nowMs) / 1000)),
        expires_at_seconds: Math.floor(expiresMs / 1000),
      },
    };
  } catch (error) {
    throw asFailure('unable to make an access token', error);
  }
}

export function tokenPaths(ports: GcpPorts): readonly Path[] {
  return KINDS.map((kind) =>
    definePath({
      pattern: `${kind}/{name}/token`,
      fields: { name: NAME },
      help: {
        synopsis: 'Makes an access token of a service account.',
        description: 'It has no lease: it cannot be taken back, and ends by itself.',
      },
      operations: {
        read: {
          summary: 'Make an access token',
          outsideEffects: true,
          handler: (request, store) => token(request, store, kind, ports),
        },
        update: {
          summary: 'Make an access token',
          outsideEffects: true,
          handler: (request, store) => token(request, store, kind, ports),
        },
      },
    }),
  );
}
