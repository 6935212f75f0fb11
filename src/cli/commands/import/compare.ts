/** Whether JSON values mean the same. */
import { isJsonObject, isRawNumber } from '../../../client/json.ts';
import type { JsonObject, JsonValue } from '../../../client/json.ts';

/** The same text for the same value, whatever the order of members. */
export function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isJsonObject(value) || isRawNumber(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join(',')}}`;
}

export function equalJson(one: JsonValue, other: JsonValue): boolean {
  return canonical(one) === canonical(other);
}

/** Whether `here` has every member of `wanted` with its value; what is empty counts as absent. */
export function holds(here: JsonObject, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const own = Object.hasOwn(here, name) ? here[name] : undefined;
    return isEmpty(value) ? isEmpty(own) : own !== undefined && equalJson(own, value);
  });
}

export function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0)
    return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && !isRawNumber(value) && Object.keys(value).length === 0;
}
