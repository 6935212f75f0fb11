/** A walk over a whole store, page by page in key order; the next page is read while this one is used. */
import type { Entry, ScannableStorage } from './storage.ts';

/** Records of one page, at most; fewer where they are large. */
const PAGE_MAX = 2_000;
const PAGE_FIRST = 100;
/** What a page is meant to hold, in bytes. */
const PAGE_BYTES = 4 * 1024 * 1024;

export async function* pagesOf(storage: ScannableStorage): AsyncGenerator<readonly Entry[]> {
  let limit = PAGE_FIRST;
  let next = storage.scan('', undefined, limit);
  for (;;) {
    const page = await next;
    const last = page.at(-1);
    const whole = page.length < limit || last === undefined;
    if (!whole) {
      const bytes = page.reduce((sum, { value }) => sum + value.length, 0);
      const fitting = Math.floor((PAGE_BYTES * page.length) / Math.max(1, bytes));
      limit = Math.max(1, Math.min(PAGE_MAX, 2 * limit, fitting));
      next = storage.scan('', last.key, limit);
      // Whoever stops in between must not leave a failure behind that nobody hears.
      next.catch(() => {});
    }
    yield page;
    if (whole) return;
  }
}
