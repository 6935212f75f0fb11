/**
 * Records of AWS CloudTrail, version 1.11. Calls of AWS's API become management events of their service, as CloudTrail itself would
 * have written them; calls of other protocols become activity from outside AWS. No value is in them that is hashed here.
 */
import type { NativeRecord } from './native.ts';

const EVENT_VERSION = '1.11';
const REGION_DEFAULT = 'us-east-1';
/** Account of what no binding led to. */
const ACCOUNT_NONE = '000000000000';

/** Parameters of a query API that name the call itself. */
const PROTOCOL_PARAMETERS = ['Action', 'Version'];

/** Calls that change nothing, though their names do not say so. */
const READS = new Set([
  'AssumeRole',
  'AssumeRoleWithWebIdentity',
  'BatchGetSecretValue',
  'Decrypt',
  'Encrypt',
  'ReEncrypt',
  'Sign',
  'Verify',
  'GenerateMac',
  'VerifyMac',
]);
const READ = /^(?:Get|List|Describe|Validate|GenerateDataKey|GenerateRandom)/;
const READ_OPERATIONS = new Set(['read', 'list', 'scan', 'header', 'help']);

/** Where CloudTrail has another name than the answer, and where the core refused before AWS's API had a name for it. */
const ERROR_CODES: ReadonlyMap<string, string> = new Map([
  ['AccessDeniedException', 'AccessDenied'],
  ['permission_denied', 'AccessDenied'],
  ['no_token', 'AccessDenied'],
  ['environment', 'AccessDenied'],
  ['unknown_credential', 'UnrecognizedClientException'],
  ['bad_session', 'UnrecognizedClientException'],
  ['unbound', 'UnrecognizedClientException'],
  ['bad_signature', 'InvalidSignatureException'],
  ['session_expired', 'ExpiredTokenException'],
  ['invalid_request', 'InvalidParameterException'],
  ['not_found', 'ResourceNotFoundException'],
  ['rate_limited', 'ThrottlingException'],
  ['unsupported_operation', 'InvalidRequestException'],
  ['internal', 'InternalServiceError'],
  ['audit_failed', 'InternalServiceError'],
  ['unavailable', 'ServiceUnavailableException'],
  ['sealed', 'ServiceUnavailableException'],
]);

export function toCloudTrail(record: NativeRecord): string {
  return JSON.stringify(record.protocol === 'aws' ? callOfAws(record) : activity(record));
}

function callOfAws(record: NativeRecord): object {
  const [service = '', name = ''] = record.protocolOperation.split(':');
  const account = accountOf(record);
  return {
    ...base(record),
    userIdentity: identity(record, account),
    eventSource: `${service}.amazonaws.com`,
    eventName: name,
    readOnly: READS.has(name) || READ.test(name),
    requestParameters: parameters(record.submitted, service === 'sts' ? PROTOCOL_PARAMETERS : []),
    ...resources(record, service, account),
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: account,
    eventCategory: 'Management',
  };
}

function activity(record: NativeRecord): object {
  // `keyvault:secret/get`, `google.….SecretManagerService.AccessSecretVersion`; Vault's protocol has none.
  const [name = ''] = record.protocolOperation.split(/[.:]/).slice(-1);
  return {
    ...base(record),
    userIdentity: {
      type: record.policies.includes('root')
        ? 'Root'
        : record.displayName === ''
          ? 'Unknown'
          : 'IAMUser',
      principalId: record.entityId === '' ? record.accessor : record.entityId,
      ...(record.displayName === '' ? {} : { userName: record.displayName }),
    },
    eventSource: `${record.protocol}.strongroom`,
    eventName: name === '' ? record.operation : name,
    readOnly: READ_OPERATIONS.has(record.operation),
    requestParameters: parameters(record.submitted, []),
    eventType: 'ActivityLog',
    managementEvent: true,
    recipientAccountId: ACCOUNT_NONE,
    eventCategory: 'ActivityAuditLog',
  };
}

function base(record: NativeRecord): object {
  const { error, errorCode, namespacePath, mountPoint, mountType, binding } = record;
  return {
    eventVersion: EVENT_VERSION,
    // To the second, as CloudTrail writes it.
    eventTime: record.time.replace(/\.\d+Z$/, 'Z'),
    eventID: record.requestId,
    requestID: record.requestId,
    awsRegion: binding.region === '' ? REGION_DEFAULT : binding.region,
    sourceIPAddress: record.remoteAddress === '' ? 'strongroom' : record.remoteAddress,
    ...(error === ''
      ? {}
      : { errorCode: ERROR_CODES.get(errorCode) ?? errorCode, errorMessage: error }),
    responseElements: null,
    additionalEventData: {
      path: record.path,
      namespace: namespacePath,
      mountPoint,
      mountType,
      protocol: record.protocol,
      ...(binding.name === '' ? {} : { binding: binding.name }),
      policies: record.policies,
      sequence: record.seq,
    },
  };
}

function accountOf({ binding }: NativeRecord): string {
  return /^\d{12}$/.test(binding.name) ? binding.name : ACCOUNT_NONE;
}

function identity(record: NativeRecord, account: string): object {
  const { credentialId, entityId, binding } = record;
  const key = credentialId === '' ? {} : { accessKeyId: credentialId };
  const [kind, role = '', session = ''] = binding.caller.split('/');
  if (kind === 'assumed-role') {
    const issuer = { type: 'Role', accountId: account, userName: role };
    return {
      type: 'AssumedRole',
      principalId: `${entityId}:${session}`,
      arn: `arn:aws:sts::${account}:assumed-role/${role}/${session}`,
      accountId: account,
      ...key,
      sessionContext: {
        sessionIssuer: {
          ...issuer,
          principalId: entityId,
          arn: `arn:aws:iam::${account}:role/${role}`,
        },
      },
    };
  }
  const userName = kind === 'user' && role !== '' ? role : record.entityName;
  if (userName === '') return { type: 'Unknown', principalId: '', accountId: account };
  return {
    type: 'IAMUser',
    principalId: entityId,
    arn: `arn:aws:iam::${account}:user/${userName}`,
    accountId: account,
    ...key,
    userName,
  };
}

/** `SecretId` is `secretId` there. Null for none. */
function parameters(
  submitted: Readonly<Record<string, string>>,
  without: readonly string[],
): object | null {
  const entries = Object.entries(submitted)
    .filter(([name]) => !without.includes(name))
    .map(([name, hash]) => [name.charAt(0).toLowerCase() + name.slice(1), hash]);
  return entries.length === 0 ? null : (Object.fromEntries(entries) as object);
}

/** The secret by the ARN without its random end, by which AWS's API takes it too. */
function resources(record: NativeRecord, service: string, account: string): object {
  const { path, mountPoint, binding } = record;
  const below = path.startsWith(mountPoint) ? path.slice(mountPoint.length) : '';
  const [, name = ''] = /^(?:data|metadata)\/(.+[^/])$/.exec(below) ?? [];
  if (service !== 'secretsmanager' || name === '') return {};
  const region = binding.region === '' ? REGION_DEFAULT : binding.region;
  return {
    resources: [
      {
        accountId: account,
        type: 'AWS::SecretsManager::Secret',
        ARN: `arn:aws:secretsmanager:${region}:${account}:secret:${name}`,
      },
    ],
  };
}
