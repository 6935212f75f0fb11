/** Several APIs behind one listener: by request line and headers each request goes to the facade whose it is. */
import type { Facade, SharedFacade } from '../facades/facade.ts';

const VAULT_PREFIX = '/v1/';
/** The one place below `/v1/` that is not Vault's alone: Google's resource names begin so. */
const PROJECTS = 'projects/';

/**
 * `vault`, with `others` beside it. A request of a Vault client costs one comparison more than without them. What nobody
 * claims is answered by `vault`, and so is what the listener itself refuses before it can be told whose it is.
 */
export function dispatching(
  vault: Facade,
  others: readonly Pick<SharedFacade, 'claims' | 'handle'>[],
): Facade {
  if (others.length === 0) return vault;
  return {
    refuse: (status, message) => vault.refuse(status, message),
    handle(request) {
      const { target } = request;
      if (target.startsWith(VAULT_PREFIX) && !target.startsWith(PROJECTS, VAULT_PREFIX.length)) {
        return vault.handle(request);
      }
      for (const other of others) {
        if (other.claims(request)) return other.handle(request);
      }
      return vault.handle(request);
    },
  };
}
