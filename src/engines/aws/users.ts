/** IAM users that are made for a lease, and taken apart again. */
import { AwsError } from './query-api.ts';
import type { Aws, Parameters } from './query-api.ts';
import type { AwsRole } from './roles.ts';

const POLICY_NAME = 'strongroom';
const GONE = 'NoSuchEntity';

export interface AccessKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Tags as the query API has them: `Tags.member.1.Key`. */
export function tagParameters(tags: Readonly<Record<string, string>>): Parameters {
  const parameters: Record<string, string> = {};
  for (const [index, [key, value]] of Object.entries(tags).entries()) {
    parameters[`Tags.member.${index + 1}.Key`] = key;
    parameters[`Tags.member.${index + 1}.Value`] = value;
  }
  return parameters;
}

/** @throws {AwsError} */
export async function createUser(aws: Aws, name: string, role: AwsRole): Promise<AccessKey> {
  const user = { UserName: name };
  await aws.iam('CreateUser', {
    ...user,
    ...(role.userPath === '' ? {} : { Path: role.userPath }),
    ...(role.permissionsBoundaryArn === ''
      ? {}
      : { PermissionsBoundary: role.permissionsBoundaryArn }),
    ...tagParameters(role.tags),
  });
  for (const PolicyArn of role.policyArns)
    await aws.iam('AttachUserPolicy', { ...user, PolicyArn });
  if (role.policyDocument !== '') {
    const policy = { PolicyName: POLICY_NAME, PolicyDocument: role.policyDocument };
    await aws.iam('PutUserPolicy', { ...user, ...policy });
  }
  for (const GroupName of role.groups) await aws.iam('AddUserToGroup', { ...user, GroupName });
  return await createAccessKey(aws, name);
}

/** Of the caller's own user with ''. @throws {AwsError} */
export async function createAccessKey(aws: Aws, name: string): Promise<AccessKey> {
  const reply = await aws.iam('CreateAccessKey', name === '' ? {} : { UserName: name });
  return {
    accessKey: reply.required('AccessKeyId'),
    secretKey: reply.required('SecretAccessKey'),
  };
}

/** The user with everything that hangs on it; what is gone already is no failure. @throws {AwsError} */
export async function deleteUser(aws: Aws, name: string): Promise<void> {
  const user = { UserName: name };
  // Each list, what is removed of it, and by which action.
  const PARTS = [
    ['ListAccessKeys', 'AccessKeyId', 'DeleteAccessKey'],
    ['ListGroupsForUser', 'GroupName', 'RemoveUserFromGroup'],
    ['ListAttachedUserPolicies', 'PolicyArn', 'DetachUserPolicy'],
  ] as const;
  try {
    for (const [list, part, remove] of PARTS) {
      for (const each of (await aws.iam(list, user)).texts(part)) {
        await unlessGone(() => aws.iam(remove, { ...user, [part]: each }));
      }
    }
    const [names] = (await aws.iam('ListUserPolicies', user)).all('PolicyNames');
    for (const PolicyName of names?.texts('member') ?? []) {
      await unlessGone(() => aws.iam('DeleteUserPolicy', { ...user, PolicyName }));
    }
    await aws.iam('DeleteUser', user);
  } catch (error) {
    if (!(error instanceof AwsError && error.awsCode === GONE)) throw error;
  }
}

export async function unlessGone(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof AwsError && error.awsCode === GONE)) throw error;
  }
}
