/** `pagination_limit`: how many names of a listing a caller may get at once. */
import { isRawNumber } from '../base/json.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';

/** The parameter of list and scan that says how many names are wanted. */
const LIMIT = 'limit';
/** A caller that knows of page limits, but not how large they are, sends this. */
const AS_MANY_AS_ALLOWED = 'max';

/**
 * The `limit` to use in place of what `data` has; undefined = leave it alone. Where the rule has no bound, `max` becomes 0
 * (all). Zero and negative numbers, which mean "all", become the bound too.
 */
export function limitOfPage(
  rule: { readonly paginationLimit: number; readonly requiredParameters: readonly string[] },
  data: Readonly<JsonObject>,
): number | undefined | 'refused' {
  const sent = Object.hasOwn(data, LIMIT) ? data[LIMIT] : undefined;
  const bound = rule.paginationLimit;
  if (bound === 0) return sent === AS_MANY_AS_ALLOWED ? 0 : undefined;
  if (sent === undefined) return rule.requiredParameters.includes(LIMIT) ? 'refused' : bound;
  if (sent === AS_MANY_AS_ALLOWED) return bound;
  const wanted = toInteger(sent);
  if (wanted === undefined || wanted > bound) return 'refused';
  return wanted <= 0 ? bound : undefined;
}

function toInteger(value: JsonValue): number | undefined {
  const text = isRawNumber(value) ? value.rawJSON : value;
  if (typeof text === 'number') return Number.isSafeInteger(text) ? text : undefined;
  if (text === '') return 0;
  return typeof text === 'string' && /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
