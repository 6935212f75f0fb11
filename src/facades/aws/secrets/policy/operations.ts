/** PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy, ListResourcePolicies, ValidateResourcePolicy. */
import { operation, SELF_PATH } from '../../asking.ts';
import type { Asking, Operation } from '../../asking.ts';
import { AwsError } from '../../errors.ts';
import { awsOf, withAws } from '../aws-attributes.ts';
import { SECRET_ID_MAX } from '../names.ts';
import { onSecret } from '../on-secret.ts';
import { isPublic, parsePolicy } from './document.ts';

const POLICY_MAX = 20_480;
const POLICIES_MAX = 10;
/** The one that operations mean which name none. */
const UNNAMED = 'ResourcePolicy';
const PUBLIC =
  'You cannot put a resource policy that grants broad access to the secret: a statement allows every principal without a condition.';

const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;
const POLICY_NAME = { kind: 'string', min: 1, max: 64 } as const;
const POLICY = { kind: 'string', min: 1, max: POLICY_MAX, required: true } as const;
const READS = { operation: 'read', at: 'metadata', evenDeleted: true } as const;
const CHANGES = { operation: 'write', at: 'metadata' } as const;

function nameOf(sent: string | undefined): string {
  if (sent === undefined) return UNNAMED;
  if (/^[0-9A-Za-z_-]+$/.test(sent)) return sent;
  throw new AwsError('InvalidParameterException', 'PolicyName may hold letters, digits, _ and -.');
}

function shownName(name: string): { readonly PolicyName?: string } {
  return name === UNNAMED ? {} : { PolicyName: name };
}

export const putResourcePolicy: Operation = operation(
  {
    SecretId: SECRET_ID,
    ResourcePolicy: POLICY,
    PolicyName: POLICY_NAME,
    BlockPublicPolicy: { kind: 'boolean' },
  },
  async (input, asking) => {
    const policyName = nameOf(input.PolicyName);
    const statements = parsePolicy(input.ResourcePolicy);
    if (isPublic(statements)) throw new AwsError('PublicPolicyException', PUBLIC);
    return await onSecret(asking, input.SecretId, CHANGES, ({ desk, arn, name, secret }) => {
      const policies = { ...awsOf(secret).policies, [policyName]: input.ResourcePolicy };
      if (Object.keys(policies).length > POLICIES_MAX) {
        throw new AwsError(
          'InvalidRequestException',
          `A secret has at most ${POLICIES_MAX} resource policies.`,
        );
      }
      desk.change((each) => withAws(each, { policies }));
      return { ARN: arn, Name: name, ...shownName(policyName) };
    });
  },
);

export const getResourcePolicy: Operation = operation(
  { SecretId: SECRET_ID, PolicyName: POLICY_NAME },
  async (input, asking) => {
    const policyName = nameOf(input.PolicyName);
    return await onSecret(asking, input.SecretId, READS, ({ arn, name, secret }) => {
      const { policies = {} } = awsOf(secret);
      const text = Object.hasOwn(policies, policyName) ? policies[policyName] : undefined;
      return {
        ARN: arn,
        Name: name,
        ...(text === undefined ? {} : { ResourcePolicy: text }),
        ...shownName(policyName),
      };
    });
  },
);

export const deleteResourcePolicy: Operation = operation(
  { SecretId: SECRET_ID, PolicyName: POLICY_NAME },
  async (input, asking) => {
    const policyName = nameOf(input.PolicyName);
    return await onSecret(asking, input.SecretId, CHANGES, ({ desk, arn, name, secret }) => {
      const { [policyName]: _gone, ...left } = awsOf(secret).policies ?? {};
      const policies = Object.keys(left).length === 0 ? undefined : left;
      desk.change((each) => withAws(each, { policies }));
      return { ARN: arn, Name: name, ...shownName(policyName) };
    });
  },
);

export const listResourcePolicies: Operation = operation(
  {
    SecretId: SECRET_ID,
    MaxResults: { kind: 'integer', min: 1, max: 100 },
    NextToken: { kind: 'string', min: 1, max: 4096 },
  },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, READS, ({ secret }) => ({
      ResourcePolicies: Object.entries(awsOf(secret).policies ?? {}).map(([policyName, text]) => ({
        ResourcePolicy: text,
        ...shownName(policyName),
      })),
    })),
);

export const validateResourcePolicy: Operation = operation(
  { ResourcePolicy: POLICY, SecretId: { kind: 'string', min: 1, max: SECRET_ID_MAX } },
  async (input, asking) => {
    await authenticated(asking, input.SecretId);
    const statements = parsePolicy(input.ResourcePolicy);
    const errors = isPublic(statements)
      ? [{ CheckName: 'PublicPolicy', ErrorMessage: PUBLIC }]
      : [];
    return { PolicyValidationPassed: errors.length === 0, ValidationErrors: errors };
  },
);

async function authenticated(asking: Asking, secretId: string | undefined): Promise<void> {
  if (secretId !== undefined) {
    await onSecret(asking, secretId, READS, () => ({}));
    return;
  }
  await asking.ask({ operation: 'read', path: SELF_PATH, part: '' });
}
