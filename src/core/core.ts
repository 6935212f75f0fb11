/** Runs the pipeline: one call in, one answer out, one atomic commit between two durable audit records. */
import { uuid } from '../base/random.ts';
import { RequestError } from '../model/errors.ts';
import { ConflictError, StorageError } from '../storage/storage.ts';
import { USES_SPENT } from '../tokens/token-record.ts';
import type { Answer, Call, Handle } from './call.ts';
import { answerOf } from './envelope.ts';
import { newExchange } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { Parts } from './parts.ts';
import { FIRST, STEPS } from './pipeline.ts';

/** How often a transaction runs anew when others changed what it had read. */
export const ATTEMPTS_MAX: number = 16;

export function createCore(parts: Parts): Handle {
  return async function handleCall(call: Call): Promise<Answer> {
    const exchange = newExchange(
      call,
      uuid(parts.world.random),
      parts.world.clock.nowMs(),
      parts.begin(),
      parts.root(),
    );
    try {
      await transact(parts, exchange);
    } catch (error) {
      return await refuse(parts, exchange, asRequestError(parts, exchange, error));
    }
    return await conclude(parts, exchange);
  };
}

/** Runs the steps and commits, anew when another commit came in between. */
async function transact(parts: Parts, exchange: Exchange): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run(parts, exchange);
      if (exchange.unit.dirty) {
        await exchange.requestRecorded;
        await exchange.unit.commit();
      }
      return;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= ATTEMPTS_MAX) throw error;
      restart(parts, exchange);
    }
  }
}

async function run(parts: Parts, exchange: Exchange): Promise<void> {
  for (const step of FIRST) {
    const pending = step(parts, exchange);
    if (pending !== undefined) await pending;
  }
  for (const step of STEPS[exchange.class]) {
    const pending = step(parts, exchange);
    if (pending !== undefined) await pending;
  }
}

/** Back to the start, but for what happens once: the body is read, the request is recorded. */
function restart(parts: Parts, exchange: Exchange): void {
  const { requestRecorded, data, bodyRead } = exchange;
  Object.assign(
    exchange,
    newExchange(exchange.call, exchange.id, exchange.nowMs, parts.begin(), parts.root()),
    { requestRecorded, bodyRead },
    bodyRead ? { data } : {},
  );
}

/** After the commit: waits for what the caller expects to be over, records the reply, and only then lets it go. */
async function conclude(parts: Parts, exchange: Exchange): Promise<Answer> {
  try {
    if (exchange.reply?.settle === true) await parts.settle();
    const replied = parts.audit.reply(exchange);
    await Promise.all([exchange.requestRecorded, replied]);
    return answerOf(exchange);
  } catch (error) {
    return failed(exchange, asRequestError(parts, exchange, error));
  }
}

/** A refusal is recorded like a success, and counts as a use of a limited token. */
async function refuse(parts: Parts, exchange: Exchange, error: RequestError): Promise<Answer> {
  try {
    const requested = exchange.requestRecorded ?? parts.audit.request(exchange, error);
    const replied = parts.audit.reply(exchange, error);
    await Promise.all([requested, replied]);
    if (error.invalidCredentials) await parts.lockout.failed(exchange);
    await countUse(parts, exchange);
    return failed(exchange, error);
  } catch (failure) {
    return failed(exchange, asRequestError(parts, exchange, failure));
  }
}

async function countUse(parts: Parts, exchange: Exchange): Promise<void> {
  if (exchange.principal === undefined || exchange.class === 'open' || exchange.token === undefined)
    return;
  if (exchange.token.numUses === 0) return;
  const ref = { id: exchange.token.id, namespaceId: exchange.token.namespaceId };
  for (let attempt = 1; ; attempt++) {
    const unit = parts.begin();
    const token = await parts.tokens.byRef(unit, ref, exchange.nowMs);
    if (token === undefined || token.numUses <= 0) return;
    const used = parts.tokens.use(unit, token);
    if (used.numUses === USES_SPENT) parts.tokens.revoke(unit, used, exchange.nowMs);
    try {
      return await unit.commit();
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= ATTEMPTS_MAX) throw error;
    }
  }
}

function failed(exchange: Exchange, error: RequestError): Answer {
  return {
    requestId: exchange.id,
    namespacePath: exchange.namespace.path,
    error,
    headers: { ...exchange.headers, ...error.headers },
  };
}

/** Whatever was thrown, as something that may be told; the rest goes to the log. */
function asRequestError(parts: Parts, exchange: Exchange, error: unknown): RequestError {
  if (error instanceof RequestError) {
    if (error.detail !== undefined && error.code !== 'permission_denied') {
      parts.world.log.warn('request failed', {
        request_id: exchange.id,
        code: error.code,
        detail: error.detail,
      });
    }
    return error;
  }
  if (error instanceof ConflictError) {
    return new RequestError('unavailable', 'too many concurrent changes, try again', {
      cause: error,
    });
  }
  const storage = error instanceof StorageError;
  parts.world.log.error(storage ? 'storage failed' : 'request crashed', {
    request_id: exchange.id,
    path: exchange.path,
    error: error instanceof Error ? (error.stack ?? error.message) : 'not an error',
  });
  return new RequestError('internal', 'internal error', { cause: error });
}
