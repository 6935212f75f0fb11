/** Tokens without entities: what stands where the identity store will be. */
import type { AssembleOptions } from './assemble.ts';

export const noIdentity: AssembleOptions['identity'] = {
  port: { policies: async () => [] },
  view: async () => ({ entity: undefined, groups: [] }),
  login: async () => ({ entityId: '', identityPolicies: [] }),
};
