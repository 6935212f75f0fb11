/** Runs the pipeline: one call in, one answer out, one atomic commit between two durable audit records. */
import { after } from '../base/awaitable.ts';
import type { Awaitable } from '../base/awaitable.ts';
import { uuid } from '../base/random.ts';
import { bearerRefusal } from '../model/errors.ts';
import type { RequestError } from '../model/errors.ts';
import { ConflictError } from '../storage/storage.ts';
import type { TokenRef } from '../tokens/token-record.ts';
import type { Transaction } from '../model/transaction.ts';
import { attempt } from './attempts/attempts.ts';
import { Turns } from './attempts/turns.ts';
import type { Answer, Call, Handle } from './call.ts';
import { storeOf } from './dispatch.ts';
import { answerOf, dropReply, failed } from './envelope.ts';
import { newExchange } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { CoreUnit } from './epoch-cache.ts';
import { heldRequest } from './held/held-request.ts';
import type { HeldRequest } from './held/held-request.ts';
import type { Opened } from './outside/intent-record.ts';
import { leftBy } from './outside/outside.ts';
import { OVERTAKEN_MAX, overtaken } from './outside/overtaken.ts';
import type { Parts } from './parts.ts';
import { FIRST, STEPS } from './pipeline.ts';
import type { Step } from './pipeline.ts';
import { Refusals } from './refused/refusals.ts';
import { refuse } from './refused/refuse.ts';
import { asRequestError } from './refused/told-error.ts';

export function createCore(parts: Parts): Handle {
  const turns = new Turns(parts.world.clock);
  const refusals = new Refusals(parts.world.clock);
  return handleCall;

  async function handleCall(call: Call): Promise<Answer> {
    const { clock, random } = parts.world;
    const exchange = newExchange(call, uuid(random), clock.nowMs(), parts.begin(), parts.root());
    if (call.refusal !== undefined) {
      const omitted = refusals.admit();
      if (omitted === undefined) return failed(exchange, call.refusal);
      exchange.refusalsNotRecorded = omitted;
      return await refuse(parts, turns, exchange, call.refusal);
    }
    /** Acts outside of runs whose commit did not come. */
    const left: Opened[] = [];
    try {
      const pending = attempt(
        parts,
        turns,
        (unit, count) => {
          if (count > 1) {
            left.push(...leftBy(exchange));
            // Nobody is at work on them any more, and they are settled as soon as this commits.
            parts.intents.release(left);
            restart(parts, exchange, unit);
          }
          return after(run(parts, exchange), () =>
            after(parts.intents.leave(unit, left, exchange.nowMs), () =>
              unit.dirty ? exchange.requestRecorded : undefined,
            ),
          );
        },
        exchange.unit,
        (failure, count) => judged(parts, exchange, failure, count),
      );
      if (pending !== undefined) await pending;
    } catch (error) {
      left.push(...leftBy(exchange));
      await settleLeft(parts, turns, exchange, left);
      const refusal = asTold(exchange, asRequestError(parts, exchange, error));
      return await refuse(parts, turns, exchange, refusal);
    } finally {
      parts.intents.release(left);
      parts.intents.release(exchange.intents);
    }
    const resumed = exchange.reply?.resume;
    if (resumed === undefined || call.resumed !== undefined) return conclude(parts, exchange);
    return await resume(exchange, resumed);
  }

  /** Opening a request that waited: its answer is the answer. */
  async function resume(exchange: Exchange, resumed: TokenRef): Promise<Answer> {
    const opened = await conclude(parts, exchange);
    const held = await heldRequest(parts.begin(), resumed);
    if (opened.error !== undefined || held === undefined) return opened;
    return await handleCall(await resumedCall(parts, exchange.call, held, resumed));
  }
}

/** What was asked for then, from where it is asked for now. */
async function resumedCall(
  parts: Parts,
  { connection, signal }: Call,
  held: HeldRequest,
  resumed: TokenRef,
): Promise<Call> {
  const { namespacesById } = await parts.table.routing(parts.begin());
  return {
    ...held.call,
    protocol: 'vault',
    namespace: namespacesById.get(held.namespaceId)?.path ?? '',
    token: undefined,
    resumed,
    readBody: async () => held.body ?? {},
    wrapFormat: '',
    connection,
    headers: {},
    ...(signal === undefined ? {} : { signal }),
  };
}

const NOBODY = { replaced: async (): Promise<undefined> => undefined };

/** A failure that counts for nothing is a conflict: the request runs again. */
async function judged(
  parts: Parts,
  exchange: Exchange,
  failure: unknown,
  count: number,
): Promise<unknown> {
  const { unit, mount, nowMs, intents } = exchange;
  const replaces = intents.some(({ record }) => record.replaces !== undefined);
  let verdict = failure;
  if (count <= OVERTAKEN_MAX) {
    // What a path of the system asks its targets is about any mount; whoever replaces a credential waits for no other.
    const accessor = exchange.class === 'sys' ? undefined : mount?.entry.accessor;
    const by = replaces ? NOBODY : parts.intents;
    verdict = (await overtaken(by, unit, accessor, failure)) ?? failure;
  }
  if (replaces && verdict instanceof ConflictError) {
    await parts.intents.giveUp(leftBy(exchange), nowMs);
  }
  return verdict;
}

/** After a failure: has what was begun outside settled at once. When that cannot be written, it is settled when it falls due. */
async function settleLeft(
  parts: Parts,
  turns: Turns,
  exchange: Exchange,
  left: readonly Opened[],
): Promise<void> {
  if (left.length === 0) return;
  parts.intents.release(left);
  try {
    await attempt(parts, turns, (unit) => parts.intents.leave(unit, left, exchange.nowMs));
  } catch {
    const { id: request_id, path } = exchange;
    parts.world.log.error('an act outside is left open for now', { request_id, path });
  }
}

function run(parts: Parts, exchange: Exchange): Awaitable<void> {
  return after(runSteps(parts, exchange, FIRST, 0), () =>
    runSteps(parts, exchange, STEPS[exchange.class], 0),
  );
}

function runSteps(
  parts: Parts,
  exchange: Exchange,
  steps: readonly Step[],
  from: number,
): Awaitable<void> {
  for (let index = from; index < steps.length; index++) {
    const pending = steps[index]?.(parts, exchange);
    if (pending !== undefined) {
      return pending.then(() => runSteps(parts, exchange, steps, index + 1));
    }
  }
}

/** Back to the start, but for what happens once: the body is read, the request is recorded. */
function restart(parts: Parts, exchange: Exchange, unit: CoreUnit): void {
  dropReply(exchange);
  const { requestRecorded, data, bodyRead } = exchange;
  Object.assign(
    exchange,
    newExchange(exchange.call, exchange.id, exchange.nowMs, unit, parts.root()),
    { requestRecorded, bodyRead },
    bodyRead ? { data } : {},
  );
}

/** After the commit: waits for what the caller expects to be over, records the reply, and only then lets it go. */
async function conclude(parts: Parts, exchange: Exchange): Promise<Answer> {
  try {
    const failure = exchange.settle !== undefined ? await settle(parts, exchange) : undefined;
    await bothRecorded(exchange.requestRecorded, parts.audit.reply(exchange, failure));
    return failure === undefined ? answerOf(exchange) : failed(exchange, failure);
  } catch (error) {
    return failed(exchange, asRequestError(parts, exchange, error));
  }
}

/** Records that share one write share one promise. */
function bothRecorded(requested: Promise<void> | undefined, replied: Promise<void>): unknown {
  return requested === replied ? replied : Promise.all([requested, replied]);
}

/** Waits for what the request has set off; tells why that did not come about. */
async function settle(parts: Parts, exchange: Exchange): Promise<RequestError | undefined> {
  const { reply } = exchange;
  try {
    await exchange.settle?.();
    if (reply?.settled === undefined) return undefined;
    exchange.unit = parts.begin();
    const told = await reply.settled(exchange.unit, storeOf(exchange) as Transaction);
    exchange.reply = told ?? reply;
    return undefined;
  } catch (error) {
    return asRequestError(parts, exchange, error);
  }
}

/** In the shape that the path declares. */
function asTold(exchange: Exchange, error: RequestError): RequestError {
  if (error.code !== 'permission_denied' || exchange.match?.path.bearerErrors !== true)
    return error;
  return bearerRefusal(error);
}
