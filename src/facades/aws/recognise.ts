/** Which requests are AWS's. Stands apart from the facade, which is loaded when it first gets one. */
import type { WireRequest } from '../facade.ts';

/** Type of a body in the query protocol. */
const FORM = 'application/x-www-form-urlencoded';

/** Everything is at `/`, and nothing of the other APIs is. */
export function isAws(request: WireRequest): boolean {
  const { target, headers, method } = request;
  if (!(target === '/' || target.startsWith('/?'))) return false;
  if (headers['x-amz-target'] !== undefined || isSigned(request)) return true;
  const type = headers['content-type'];
  return method === 'POST' && typeof type === 'string' && type.startsWith(FORM);
}

/** True for a request that is signed in one way or the other; says nothing about whether well. */
export function isSigned(request: WireRequest): boolean {
  const { authorization } = request.headers;
  return (
    (typeof authorization === 'string' && authorization.startsWith('AWS4-')) ||
    request.target.includes('X-Amz-Algorithm=')
  );
}
