/** How the operations of this facade put a question to the core, and what they know of the request that asks. */
import type { Random } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Answer, BoundPart, CallOperation } from '../../core/call.ts';
import type { Task } from '../../model/tasks/task.ts';
import type { Operation } from './wire/route.ts';
import type { Target } from './wire/target.ts';
import type { Reply } from '../../model/reply.ts';

export interface Question {
  readonly operation: CallOperation;
  /** Below the mount that {@link part} names. */
  readonly path: string;
  readonly part: BoundPart;
  readonly task?: Task;
  /** Takes part in the audit record; read from the wire only when the caller is known. */
  readonly body?: () => Promise<Readonly<JsonObject>>;
  readonly query?: Readonly<JsonObject>;
}

export interface Asking {
  readonly target: Target;
  readonly operation: Operation;
  /** `https://host[:port]` of the vault, as the client wrote it. */
  readonly base: string;
  readonly random: Random;
  /** The body of the request as JSON; read once. @throws {AzureError} */
  readonly readJson: () => Promise<JsonObject>;
  /** The answer of the core. @throws {RequestError} what it refused */
  readonly ask: (question: Question) => Promise<Answer>;
}

/** The members that a task of ours put into its reply. */
export function dataOf(answer: Answer): Readonly<Record<string, unknown>> {
  return answer.reply?.data ?? {};
}

/** A reply that carries what is to be shown, made inside the transaction. */
export function shown(body: Record<string, unknown>): Reply {
  return { data: body };
}
