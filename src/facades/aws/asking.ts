/** How the operations of this facade put questions to the core. */
import type { JsonObject } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import type { Answer, BoundPart, CallOperation } from '../../core/call.ts';
import type { SecretTask } from '../../model/tasks/secret-task.ts';
import type { Input, Members } from './wire/shapes.ts';

/** Answers whoever proves a credential: for operations that touch nothing stored. */
export const SELF_PATH = 'identity/credential-self';

export interface Question {
  readonly operation: CallOperation;
  /** Below the mount that {@link part} names. */
  readonly path: string;
  readonly part?: BoundPart;
  readonly task?: SecretTask;
  /** What a path that runs no task gets as its parameters. */
  readonly body?: Readonly<JsonObject>;
  /** Another region of the account. */
  readonly region?: string;
}

export interface Asking {
  /** The account of the access key, and the region of its scope: nothing that the request names chooses another. */
  readonly account: string;
  readonly region: string;
  readonly nowMs: number;
  readonly random: Random;
  /** `secretsmanager:GetSecretValue`. */
  readonly action: string;
  readonly remoteAddress: string;
  /** Namespace and mount that a region of the account is bound to; undefined when it is not. */
  placeOf(region: string): Promise<string | undefined>;
  /** @throws {RequestError} what the core or the task refused */
  ask(question: Question): Promise<Answer>;
}

export type Output = Readonly<Record<string, unknown>>;

export interface Operation<M extends Members = Members> {
  readonly input: M;
  readonly run: (input: Input<M>, asking: Asking) => Promise<Output> | Output;
}

/** Declares an operation; its input type follows from its members. */
export function operation<const M extends Members>(
  input: M,
  run: (input: Input<M>, asking: Asking) => Promise<Output> | Output,
): Operation {
  return { input, run: run as Operation['run'] };
}
