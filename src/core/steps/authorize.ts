/** Asks the policies. A refusal says nothing more than that, whatever the reason. */
import { RequestError } from '../../model/errors.ts';
import { fullPath, listedError } from '../exchange.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export async function authorize(parts: Parts, exchange: Exchange): Promise<void> {
  const { principal } = exchange;
  if (principal === undefined) throw denied('no principal');
  exchange.acl = await parts.authority.acl(exchange.unit, principal);
  const decision = exchange.acl.decide({
    operation: exchange.operation,
    path: fullPath(exchange),
    data: exchange.data,
    wrapTtlSeconds: exchange.call.wrapTtlSeconds,
    nowMs: exchange.nowMs,
  });
  exchange.decision = decision;
  if (!decision.allowed) throw denied(decision.reason);
  if (exchange.match?.path.sudo === true && !decision.sudo && exchange.operation !== 'help') {
    throw denied('the path needs sudo');
  }
}

function denied(detail: string): RequestError {
  return new RequestError('permission_denied', listedError('permission denied'), { detail });
}
