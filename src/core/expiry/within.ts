/** Bounds the time that a backend may take for something outside. */
import type { Clock } from '../../base/clock.ts';
import { RequestError } from '../../model/errors.ts';

/** @throws {RequestError} upstream_failed when `act` has not come back after `limitMs`; it may still be at work then. */
export async function within<T>(
  clock: Clock,
  limitMs: number,
  what: string,
  act: () => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(limitMs, () => {
    late.reject(new RequestError('upstream_failed', `${what} took too long`));
  });
  try {
    return await Promise.race([act(), late.promise]);
  } finally {
    cancel();
  }
}
