/** `roles`: what kind of credentials, and what they may do. */
import type { Path } from '../../model/backend.ts';
import { rolePathsOf } from '../../model/listing/role-paths.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Values } from '../../model/field.ts';

export const CREDENTIAL_TYPES = [
  'iam_user',
  'assumed_role',
  'federation_token',
  'session_token',
] as const;
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];
const LIST_MAX = 100;
const DOCUMENT_LENGTH_MAX = 64 * 1024;

export interface AwsRole {
  readonly type: CredentialType;
  readonly roleArns: readonly string[];
  readonly policyArns: readonly string[];
  readonly policyDocument: string;
  readonly groups: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly sessionTags: Readonly<Record<string, string>>;
  readonly externalId: string;
  readonly mfaSerialNumber: string;
  readonly defaultStsTtlSeconds: number;
  readonly maxStsTtlSeconds: number;
  readonly userPath: string;
  readonly permissionsBoundaryArn: string;
}

export const ROLE_NAME = {
  kind: 'string',
  description: 'Name of the role.',
  default: '',
} as const;

const FIELDS = {
  name: ROLE_NAME,
  credential_type: {
    kind: 'string',
    description: 'Which kind: iam_user, assumed_role, federation_token or session_token.',
  },
  role_arns: { kind: 'comma_string_list', description: 'Roles that may be assumed.' },
  policy_arns: { kind: 'comma_string_list', description: 'Policies, attached or passed on.' },
  policy_document: { kind: 'string', description: 'A policy, as JSON.' },
  iam_groups: { kind: 'comma_string_list', description: 'Groups of the users.' },
  iam_tags: { kind: 'string_map', description: 'Tags of the users.' },
  session_tags: { kind: 'string_map', description: 'Tags of assumed roles.' },
  external_id: { kind: 'string', description: 'External id for assuming roles.' },
  mfa_serial_number: { kind: 'string', description: 'MFA device for session tokens.' },
  default_sts_ttl: { kind: 'duration_seconds', description: 'How long temporary ones live.' },
  max_sts_ttl: { kind: 'duration_seconds', description: 'How long they may live.' },
  user_path: { kind: 'string', description: 'Path of the users.' },
  permissions_boundary_arn: { kind: 'string', description: 'Boundary of the users.' },
} as const;

function madeOf(before: AwsRole | undefined, fields: Values<typeof FIELDS>): AwsRole {
  const named = fields.credential_type ?? before?.type;
  const type = CREDENTIAL_TYPES.find((each) => each === named);
  if (type === undefined) {
    throw invalidRequest(`credential_type must be one of ${CREDENTIAL_TYPES.join(', ')}`);
  }
  const role = {
    type,
    roleArns: fields.role_arns ?? before?.roleArns ?? [],
    policyArns: fields.policy_arns ?? before?.policyArns ?? [],
    policyDocument: compact(fields.policy_document ?? before?.policyDocument ?? ''),
    groups: fields.iam_groups ?? before?.groups ?? [],
    tags: fields.iam_tags ?? before?.tags ?? {},
    sessionTags: fields.session_tags ?? before?.sessionTags ?? {},
    externalId: fields.external_id ?? before?.externalId ?? '',
    mfaSerialNumber: fields.mfa_serial_number ?? before?.mfaSerialNumber ?? '',
    defaultStsTtlSeconds: fields.default_sts_ttl ?? before?.defaultStsTtlSeconds ?? 0,
    maxStsTtlSeconds: fields.max_sts_ttl ?? before?.maxStsTtlSeconds ?? 0,
    userPath: fields.user_path ?? before?.userPath ?? '',
    permissionsBoundaryArn: fields.permissions_boundary_arn ?? before?.permissionsBoundaryArn ?? '',
  };
  check(role);
  return role;
}

/** @throws {RequestError} it is no JSON object */
function compact(text: string): string {
  if (text === '') return '';
  if (text.length > DOCUMENT_LENGTH_MAX) throw invalidRequest('policy_document is too long');
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null) return JSON.stringify(document);
  } catch {
    // Said below.
  }
  throw invalidRequest('cannot parse policy document');
}

const ARN = /^arn:[\w+=,.@:/*-]{1,2048}$/;

function check(role: AwsRole): void {
  for (const list of [role.roleArns, role.policyArns, role.groups]) {
    if (list.length > LIST_MAX) throw invalidRequest('a list is too long');
  }
  for (const arn of [...role.roleArns, ...role.policyArns]) {
    if (!ARN.test(arn)) throw invalidRequest('an ARN is none');
  }
  const { type, defaultStsTtlSeconds: usual, maxStsTtlSeconds: most } = role;
  if (most > 0 && usual > most) {
    throw invalidRequest('default_sts_ttl value must be less than or equal to max_sts_ttl value');
  }
  const has = {
    roles: role.roleArns.length > 0,
    policies: role.policyArns.length > 0 || role.policyDocument !== '',
    groups: role.groups.length > 0,
    user: role.userPath !== '' || role.permissionsBoundaryArn !== '',
  };
  if (type === 'assumed_role' && !has.roles) {
    throw invalidRequest('did not supply role_arns parameter with assumed_role credential_type');
  }
  if (type !== 'assumed_role' && has.roles) {
    throw invalidRequest(`cannot supply role_arns when credential_type isn't assumed_role`);
  }
  if (type !== 'iam_user' && has.user) {
    throw invalidRequest('user_path and permissions_boundary_arn are for iam_user only');
  }
  if (type === 'iam_user' && !has.policies && !has.groups) {
    throw invalidRequest('an iam_user needs policy_arns, policy_document or iam_groups');
  }
  if (type === 'federation_token' && !has.policies && !has.groups) {
    throw invalidRequest('a federation_token needs policy_arns or policy_document');
  }
  if (role.userPath !== '' && !/^\/(?:[\x21-\x7e]{1,510}\/)?$/.test(role.userPath)) {
    throw invalidRequest('user_path must begin and end with a slash');
  }
}

export function rolePaths(): readonly Path[] {
  return rolePathsOf({
    fields: FIELDS,
    description:
      'It says what kind of credentials are made, and what they may do. Users end with their leases, not with the role.',
    make: madeOf,
    shown,
  });
}

function shown(role: AwsRole): Readonly<Record<string, unknown>> {
  return {
    credential_type: role.type,
    // The form of older clients, which knew several types of one role.
    credential_types: [role.type],
    role_arns: role.roleArns,
    policy_arns: role.policyArns,
    policy_document: role.policyDocument,
    iam_groups: role.groups,
    iam_tags: role.tags,
    session_tags: role.sessionTags,
    external_id: role.externalId,
    mfa_serial_number: role.mfaSerialNumber,
    default_sts_ttl: role.defaultStsTtlSeconds,
    max_sts_ttl: role.maxStsTtlSeconds,
    user_path: role.userPath,
    permissions_boundary_arn: role.permissionsBoundaryArn,
  };
}
