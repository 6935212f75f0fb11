/**
 * A failure at a target tells nothing when the act was made with what has been replaced meanwhile: the password of a connection was
 * rotated, its configuration rewritten. Whoever met that runs again, with what counts now.
 */
import { RequestError } from '../../model/errors.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import type { Intents } from './intents.ts';

/**
 * How often one act is tried again for this reason. Each time something was replaced meanwhile, so what fails for another reason is not repeated;
 * but several who rotate one credential in turn overtake a slow act more than once or twice.
 */
export const OVERTAKEN_MAX: number = 8;

/**
 * @param unit what the failed act had read
 * @param mountAccessor whose credential it may have used; undefined = of any mount
 * @returns the conflict behind the failure; undefined when the failure counts
 */
export async function overtaken(
  intents: Pick<Intents, 'replaced'>,
  unit: CoreUnit,
  mountAccessor: string | undefined,
  failure: unknown,
): Promise<ConflictError | undefined> {
  if (!(failure instanceof RequestError) || failure.code !== 'upstream_failed') return undefined;
  const key = (await intents.replaced(mountAccessor)) ?? (await unit.outdated());
  return key === undefined ? undefined : new ConflictError(key);
}
