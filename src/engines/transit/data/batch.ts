/** Requests with many inputs: reading them, and the status of the whole. */
import { setImmediate } from 'node:timers/promises';
import { isJsonObject, isRawNumber } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { ItemError, asRequestError, refused } from '../failures.ts';
import type { Reply } from '../../../model/reply.ts';

/** The objects of `batch_input`. @throws {RequestError} */
export function batchItems(raw: JsonValue): readonly JsonObject[] {
  if (!Array.isArray(raw)) throw refused('failed to parse batch input: it must be a list');
  if (raw.length === 0) throw invalidRequest('missing batch input to process');
  return raw.map((item, index) => {
    if (!isJsonObject(item))
      throw refused(`failed to parse batch input: [${index}] expected a map`);
    return item;
  });
}

/**
 * The same where the reference reads the items as texts and nothing else: a number is its digits, null is the empty text.
 * @param names the keys that are read; undefined for all of them
 * @throws {RequestError} a value is neither
 */
export function batchTexts(raw: JsonValue, names?: readonly string[]): readonly JsonObject[] {
  if (!Array.isArray(raw)) throw refused('failed to parse batch input: it must be a list');
  return batchItems(raw.map((item) => item ?? {})).map((item, index) => {
    const texts = { ...item };
    for (const name of names ?? Object.keys(item)) {
      if (!Object.hasOwn(item, name)) continue;
      const value = item[name];
      texts[name] = typeof value === 'number' ? String(value) : rawText(item, index, name);
    }
    return texts;
  });
}

function rawText(item: JsonObject, index: number, name: string): string {
  const value = item[name];
  return isRawNumber(value) ? value.rawJSON : (itemText(item, index, name) ?? '');
}

/** Text of an item; undefined when it is not there. @throws {RequestError} it is something else */
export function itemText(item: JsonObject, index: number, name: string): string | undefined {
  return textOf(Object.hasOwn(item, name) ? item[name] : undefined, index, name);
}

/** The same of a value that was taken out of its item. @throws {RequestError} */
export function textOf(
  value: JsonValue | undefined,
  index: number,
  name: string,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw refused(`failed to parse batch input: '[${index}].${name}' expected type 'string'`);
}

/** A whole number of what was taken out of an item, 0 when it is not there. @throws {RequestError} */
export function numberOf(value: JsonValue | undefined, index: number, name: string): number {
  if (value === undefined || value === null) return 0;
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw refused(`failed to parse batch input: '[${index}].${name}' expected type 'int'`);
}

/** What an item's work makes. */
export type Made = Readonly<Record<string, unknown>>;
/** What came of one item. */
export type Outcome = Made | ItemError;

/** Turns what an item throws for its caller into its outcome. */
export async function outcomeOf(work: () => Made | Promise<Made>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ItemError) return error;
    throw error;
  }
}

/** Inputs worked off before other requests get their turn: a batch may have a hundred thousand. */
const SLICE = 32;
/** The same where an input takes microseconds: then the turns cost more than what they are for. */
export const SLICE_OF_SHORT_WORK: number = 256;

/**
 * What comes of every item, in order. Work that gives its result at once costs no promise; a hundred of those would cost as much
 * as what they encrypt.
 */
export async function outcomesOf<T>(
  items: readonly T[],
  work: (item: T, index: number) => Made | Promise<Made>,
  slice: number = SLICE,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let index = 0;
  for (const item of items) {
    if (index > 0 && index % slice === 0) await setImmediate();
    try {
      const made = work(item, index++);
      outcomes.push(made instanceof Promise ? await made : made);
    } catch (error) {
      if (!(error instanceof ItemError)) throw error;
      outcomes.push(error);
    }
  }
  return outcomes;
}

/** The answer to a request without `batch_input`. @throws {RequestError} */
export function singleReply(outcome: Outcome | undefined): Reply {
  if (outcome === undefined) throw new Error('a request without an outcome');
  if (outcome instanceof ItemError) throw asRequestError(outcome);
  return { data: outcome };
}

export interface BatchOptions {
  readonly references: readonly string[];
  /** What a failed item shows beside its error. */
  readonly onFailure?: Readonly<Record<string, unknown>>;
  /** Failed items do not show in the status. */
  readonly alwaysOk?: boolean;
  /** Status to answer when some items failed and some did not. */
  readonly partialStatus?: number | undefined;
  readonly warnings?: readonly string[];
}

const STATUS_MIN = 200;
const STATUS_MAX = 599;

export function batchReply(outcomes: readonly Outcome[], options: BatchOptions): Reply {
  const results = outcomes.map((outcome, index) => ({
    ...(outcome instanceof ItemError ? { ...options.onFailure, error: outcome.message } : outcome),
    reference: options.references[index] ?? '',
  }));
  const warnings = [...(options.warnings ?? [])];
  const reply = { data: { batch_results: results } };
  let status = options.alwaysOk === true ? undefined : statusOf(outcomes);
  const { partialStatus } = options;
  if (status !== undefined && partialStatus !== undefined && outcomes.some(succeeded)) {
    if (partialStatus >= STATUS_MIN && partialStatus <= STATUS_MAX) status = partialStatus;
    else {
      warnings.push(
        `invalid HTTP response code override from partial_failure_response_code, reverting to ${status}`,
      );
    }
  }
  return {
    ...reply,
    ...(status === undefined ? {} : { status }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function succeeded(outcome: Outcome): boolean {
  return !(outcome instanceof ItemError);
}

/** The caller's mistakes come first: repeating the request will not mend them. */
function statusOf(outcomes: readonly Outcome[]): number | undefined {
  let status: number | undefined;
  for (const outcome of outcomes) {
    if (!(outcome instanceof ItemError)) continue;
    if (outcome.fault === 'caller') return 400;
    if (outcome.fault === 'internal') status = 500;
  }
  return status;
}
