/** Tokens without entities: what stands where the identity store will be. */
import type { AssembleOptions } from './assemble.ts';

export const noIdentity: AssembleOptions['identity'] = {
  port: { policies: async () => [] },
  view: async () => ({ entity: undefined, groups: [] }),
  count: async () => 0,
  login: async () => ({ entityId: '', identityPolicies: [] }),
};
