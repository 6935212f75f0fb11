/**
 * A value that may be there already. What a request usually needs lies in memory; going through promises for it would cost
 * more than the work itself, so the hot path asks with {@link after} and turns to a promise only when it must wait.
 */

export type Awaitable<T> = T | Promise<T>;

/** What `use` makes of the value: now when it is there, else when it comes. Throws at once what `use` throws at once. */
export function after<T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}
