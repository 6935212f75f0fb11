/** What code of somebody else answers to the step that makes a new value. */
import { isJsonObject } from '../base/json.ts';
import { TargetError } from '../targets/database.ts';
import type { Fields } from './rotator.ts';

const FIELDS_MAX = 64;

/** The `next` of an answer: texts by name. */
export function fieldsOf(text: string): Fields {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    document = undefined;
  }
  const next = isJsonObject(document) ? document['next'] : undefined;
  const entries = isJsonObject(next) ? Object.entries(next) : [];
  if (
    entries.length === 0 ||
    entries.length > FIELDS_MAX ||
    entries.some(([, value]) => typeof value !== 'string')
  ) {
    throw new TargetError('the answer has no "next" with texts by name', { mayHaveChanged: true });
  }
  return Object.fromEntries(entries) as Fields;
}
