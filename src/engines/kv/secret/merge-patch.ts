/** JSON Merge Patch (RFC 7396). */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';

/** Deepest patch that is applied. The edge has its own limit; this one keeps the recursion safe whatever calls it. */
export const PATCH_DEPTH_MAX = 1_000;

/**
 * `target` with `patch` merged into it: members that are null are removed, objects merge, everything else replaces. Neither
 * argument is changed.
 * @throws {RangeError} deeper than {@link PATCH_DEPTH_MAX}
 */
export function mergePatch(target: JsonValue, patch: JsonValue, depth = 0): JsonValue {
  if (!isJsonObject(patch)) return patch;
  if (depth > PATCH_DEPTH_MAX) throw new RangeError('the patch is nested too deeply');
  const merged = new Map<string, JsonValue>(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name) ?? null, value, depth + 1));
  }
  // fromEntries defines, it does not assign: `__proto__` is an ordinary name.
  return Object.fromEntries(merged) satisfies JsonObject;
}
