/** The policies that need no store. */
import type { PolicyAuthorityPorts } from '../core/policy-authority.ts';
import { DEFAULT_POLICY_TEXT, RESPONSE_WRAPPING_POLICY, ROOT_POLICY } from '../policy/builtin.ts';
import { parsePolicy } from '../policy/parse.ts';

const FIXED = new Map([
  ['root', ROOT_POLICY],
  ['response-wrapping', RESPONSE_WRAPPING_POLICY],
  ['default', parsePolicy(DEFAULT_POLICY_TEXT, 'default')],
]);

export const builtinPolicies: PolicyAuthorityPorts['load'] = async (_unit, _namespaceId, name) => {
  const policy = FIXED.get(name);
  return policy === undefined ? undefined : { policy };
};
