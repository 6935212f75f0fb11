/**
 * The part of the metadata API (`Reflect.defineMetadata` and its kin) that `tsyringe` asks for when `@peculiar/x509` loads. It
 * refuses to load without; a package that adds the whole API to every `Reflect` is not needed for three functions.
 */

type Target = object;

interface MetadataApi {
  defineMetadata?: (key: unknown, value: unknown, target: Target) => void;
  getMetadata?: (key: unknown, target: Target) => unknown;
  getOwnMetadata?: (key: unknown, target: Target) => unknown;
}

const known = new WeakMap<Target, Map<unknown, unknown>>();

function getOwnMetadata(key: unknown, target: Target): unknown {
  return known.get(target)?.get(key);
}

/** Looks at the class and then at those that it extends. */
function getMetadata(key: unknown, target: Target): unknown {
  for (let at: Target | null = target; at !== null; at = Object.getPrototypeOf(at) as Target) {
    const values = known.get(at);
    if (values?.has(key) === true) return values.get(key);
  }
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: Target): void {
  const values = known.get(target) ?? new Map<unknown, unknown>();
  values.set(key, value);
  known.set(target, values);
}

const api = Reflect as MetadataApi;
api.defineMetadata ??= defineMetadata;
api.getMetadata ??= getMetadata;
api.getOwnMetadata ??= getOwnMetadata;
