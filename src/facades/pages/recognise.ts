/** Which requests are a browser's for a page. Stands apart from the facade, which is loaded when it first gets one. */
import type { WireRequest } from '../facade.ts';

export const PAGES = '/ui/';

/** `/` leads there too; asked last, so that a call of AWS, which is at `/` as well, is not taken for one. */
export function isPage({ target, method }: WireRequest): boolean {
  if (target.startsWith(PAGES) || target === '/ui' || target.startsWith('/ui?')) return true;
  return method === 'GET' && target === '/';
}
