/** How the methods of this facade put a question to the core. */
import type { JsonObject } from '../../base/json.ts';
import type { Answer, BoundPart, CallOperation } from '../../core/call.ts';
import type { SecretTask } from '../../model/tasks/secret-task.ts';
import type { SecretName } from './names.ts';
import type { Message } from './wire/schema.ts';
import type { Reply } from '../../model/reply.ts';

export interface Question {
  /** Project and location choose the binding. */
  readonly name: SecretName;
  readonly operation: CallOperation;
  /** Below the mount that {@link part} names. */
  readonly path: string;
  readonly part: BoundPart;
  readonly task?: SecretTask;
  readonly body?: Readonly<JsonObject>;
}

/** The answer of the core. @throws {RequestError} what it refused */
export type Ask = (question: Question) => Promise<Answer>;

/** A method: its request message in, its reply message out. @throws {StatusError} */
export type Method = (request: Message, ask: Ask) => Promise<Message>;

/** Carries what a task found out of the transaction. */
export function found(message: Message): Reply {
  return { data: message };
}

export function messageOf(answer: Answer): Message {
  return { ...answer.reply?.data };
}
