/** The names inside a secret without any of its values. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';

/** Deepest level that is walked even when the caller sets none; keeps the recursion safe. */
const DEPTH_MAX = 1_000;

/**
 * `object` with every value but non-empty objects replaced by null. An object at level `depthMax` counts as a value (the
 * members of `object` are level 1); 0 = no limit, negative = as 1.
 */
export function subkeysOf(object: JsonObject, depthMax: number, level = 1): JsonObject {
  const deepest = depthMax === 0 ? DEPTH_MAX : Math.min(depthMax, DEPTH_MAX);
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      level < deepest && isJsonObject(value) && Object.keys(value).length > 0
        ? subkeysOf(value, depthMax, level + 1)
        : null,
    ]),
  );
}
