/** What becomes of a request that is refused: it is recorded, it counts, and then it is told. */
import { permissionDenied } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import { StorageError } from '../../storage/storage.ts';
import { USES_SPENT } from '../../tokens/token-record.ts';
import { attempt } from '../attempts/attempts.ts';
import type { Turns } from '../attempts/turns.ts';
import type { Answer } from '../call.ts';
import { failed } from '../envelope.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';
import { asRequestError } from './told-error.ts';

/** A refusal is recorded like a success, and counts as a use of a limited token: before it is told. */
export async function refuse(
  parts: Parts,
  turns: Turns,
  exchange: Exchange,
  refusal: RequestError,
): Promise<Answer> {
  try {
    const requested = exchange.requestRecorded ?? parts.audit.request(exchange, refusal);
    const error = isLimited(exchange)
      ? await requested.then(() => counted(parts, turns, exchange, refusal))
      : refusal;
    const replied = parts.audit.reply(exchange, error);
    await Promise.all([requested, replied]);
    if (refusal.invalidCredentials) await parts.lockout.failed(exchange);
    return failed(exchange, error);
  } catch (failure) {
    return failed(exchange, asRequestError(parts, exchange, failure));
  }
}

/** Whether the request takes one of the few uses of its token. */
function isLimited({ principal, token, resumed, class: kind }: Exchange): boolean {
  return (
    principal !== undefined && kind !== 'open' && resumed === undefined && token?.numUses !== 0
  );
}

/** What is told once the use is counted: of several that take the last one, all others hear only that they may not. */
async function counted(
  parts: Parts,
  turns: Turns,
  exchange: Exchange,
  refusal: RequestError,
): Promise<RequestError> {
  // After a fault of the store it is not known whether the use was counted; twice would be wrong.
  if (refusal.cause instanceof StorageError) return refusal;
  try {
    const left = await countUse(parts, turns, exchange);
    return left ? refusal : permissionDenied('the token has no use left');
  } catch (failure) {
    return asRequestError(parts, exchange, failure);
  }
}

/** False when there was none left. */
async function countUse(
  parts: Parts,
  turns: Turns,
  { token, nowMs }: Pick<Exchange, 'token' | 'nowMs'>,
): Promise<boolean> {
  if (token === undefined) return true;
  const ref = { id: token.id, namespaceId: token.namespaceId };
  let left = false;
  await attempt(parts, turns, async (unit) => {
    const found = await parts.tokens.byRef(unit, ref, nowMs);
    left = found !== undefined && found.numUses > 0;
    if (found === undefined || !left) return;
    const used = parts.tokens.use(unit, found);
    if (used.numUses === USES_SPENT) parts.tokens.revoke(unit, used, nowMs);
  });
  return left;
}
