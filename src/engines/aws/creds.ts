/** `creds` and `sts`: access keys of a user that is made for the lease, or temporary credentials, which end by themselves. */
import type { JsonObject } from '../../base/json.ts';
import { TemplateError } from '../../base/template/template.ts';
import { definePath } from '../../model/backend.ts';
import type { Path, SecretType } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import {
  DEFAULT_USERNAME_TEMPLATE,
  USERNAME_FIELDS,
  leaseConfigOf,
  rootConfigOf,
} from './config.ts';
import type { RootConfig } from './config.ts';
import { asFailure, awsOf } from './query-api.ts';
import type { Aws, Xml } from './query-api.ts';
import { findRole } from '../../model/listing/role-paths.ts';
import { ROLE_NAME } from './roles.ts';
import type { AwsRole } from './roles.ts';
import { createUser, deleteUser, tagParameters } from './users.ts';
import type { AccessKey } from './users.ts';
import type { AwsPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

export const ACCESS_KEYS = 'access_keys';
/** What STS gives when nobody says how long. */
const STS_SECONDS_DEFAULT = 3600;
const STS_SECONDS_MIN = 900;
const STS_SECONDS_MAX = 129_600;
const NAME = /^[\w+=,.@-]{1,64}$/;
const HARMLESS = /[^\w+=,.@-]/g;

/** What revocation knows, stored with the lease; '' = nothing to take back. */
interface Lent extends JsonObject {
  readonly username: string;
}

interface CredsFields {
  readonly name: string;
  readonly role_arn: string;
  readonly role_session_name: string;
  readonly mfa_code: string;
  readonly ttl: number | undefined;
}

const FIELDS = {
  name: ROLE_NAME,
  role_arn: {
    kind: 'string',
    default: '',
    query: true,
    description: 'Which role to assume; needless when there is one only.',
  },
  role_session_name: {
    kind: 'string',
    default: '',
    query: true,
    description: 'Name of the session of an assumed role.',
  },
  mfa_code: { kind: 'string', default: '', query: true, description: 'Code of the MFA device.' },
  ttl: { kind: 'duration_seconds', query: true, description: 'How long temporary ones live.' },
} as const;

export function credsPaths(ports: AwsPorts): readonly Path[] {
  const path = (pattern: string): Path =>
    definePath({
      pattern,
      fields: FIELDS,
      help: {
        synopsis: 'Makes credentials.',
        description:
          'A user that is made for them is removed when the lease ends; temporary ones end by themselves.',
      },
      operations: {
        read: {
          summary: 'Make credentials',
          outsideEffects: true,
          handler: (request, store) => lend(request, store, ports),
        },
        update: {
          summary: 'Make credentials',
          outsideEffects: true,
          handler: (request, store) => lend(request, store, ports),
        },
      },
    });
  return [path('creds/{name}'), path('sts/{name}')];
}

async function lend(
  request: Request<CredsFields>,
  store: Transaction,
  ports: AwsPorts,
): Promise<Reply> {
  const { fields, nowMs, path } = request;
  const role = await findRole<AwsRole>(store, fields.name);
  if (role === undefined) throw invalidRequest(`Role '${fields.name}' not found`);
  const config = await rootConfigOf(store);
  const aws = awsOf(config, ports, nowMs);
  try {
    if (role.type !== 'iam_user') return await temporary(request, role, config, aws, ports);
    if (path.startsWith('sts/')) throw invalidRequest('an iam_user has no temporary credentials');
    return await permanent(request, store, role, config, aws, ports);
  } catch (error) {
    throw asFailure('error making credentials', error);
  }
}

async function permanent(
  request: Request<CredsFields>,
  store: Transaction,
  role: AwsRole,
  config: RootConfig,
  aws: Aws,
  ports: AwsPorts,
): Promise<Reply> {
  const username = nameFor(request, config, ports, 'IAM');
  const internal: Lent = { username };
  await request.outside.lend(ACCESS_KEYS, internal);
  const key = await createUser(aws, username, role);
  const { leaseSeconds, leaseMaxSeconds } = await leaseConfigOf(store);
  return {
    data: shown(key, null),
    lease: {
      ttlSeconds: leaseSeconds,
      maxTtlSeconds: leaseMaxSeconds,
      renewable: true,
      secretType: ACCESS_KEYS,
      internal,
    },
  };
}

function shown(key: AccessKey, token: string | null): Record<string, unknown> {
  return {
    access_key: key.accessKey,
    secret_key: key.secretKey,
    security_token: token,
    session_token: token,
  };
}

async function temporary(
  request: Request<CredsFields>,
  role: AwsRole,
  config: RootConfig,
  aws: Aws,
  ports: AwsPorts,
): Promise<Reply> {
  const ttlSeconds = stsTtlOf(request, role);
  const policies = Object.fromEntries(
    role.policyArns.map((arn, index) => [`PolicyArns.member.${index + 1}.arn`, arn]),
  );
  const common = {
    DurationSeconds: String(ttlSeconds),
    ...(role.policyDocument === '' ? {} : { Policy: role.policyDocument }),
    ...policies,
  };
  const internal: Lent = { username: '' };
  await request.outside.lend(ACCESS_KEYS, internal);
  let reply: Xml;
  if (role.type === 'assumed_role') {
    const { role_session_name: wanted } = request.fields;
    if (wanted !== '' && !NAME.test(wanted)) throw invalidRequest('role_session_name is no name');
    reply = await aws.sts('AssumeRole', {
      ...common,
      ...tagParameters(role.sessionTags),
      RoleArn: arnOf(role, request.fields.role_arn),
      RoleSessionName: wanted === '' ? nameFor(request, config, ports, 'STS') : wanted,
      ...(role.externalId === '' ? {} : { ExternalId: role.externalId }),
    });
  } else if (role.type === 'federation_token') {
    const name = nameFor(request, config, ports, 'STS').slice(0, 32);
    reply = await aws.sts('GetFederationToken', { ...common, Name: name });
  } else {
    const { mfaSerialNumber: serial } = role;
    reply = await aws.sts('GetSessionToken', {
      DurationSeconds: String(ttlSeconds),
      ...(serial === '' ? {} : { SerialNumber: serial, TokenCode: request.fields.mfa_code }),
    });
  }
  const key = {
    accessKey: reply.required('AccessKeyId'),
    secretKey: reply.required('SecretAccessKey'),
  };
  const arn = reply.text('Arn');
  const expiresMs = Date.parse(reply.required('Expiration'));
  const realSeconds = Math.max(0, Math.floor((expiresMs - request.nowMs) / 1000));
  return {
    data: {
      ...shown(key, reply.required('SessionToken')),
      ttl: realSeconds,
      ...(arn === undefined ? {} : { arn }),
    },
    lease: {
      ttlSeconds: realSeconds,
      maxTtlSeconds: realSeconds,
      renewable: false,
      secretType: ACCESS_KEYS,
      internal,
    },
  };
}

function arnOf(role: AwsRole, asked: string): string {
  const [only = ''] = role.roleArns;
  if (asked === '' && role.roleArns.length === 1) return only;
  if (asked === '') {
    throw invalidRequest('did not supply a role_arn parameter and unable to determine one');
  }
  if (!role.roleArns.includes(asked)) {
    throw invalidRequest('role_arn not in allowed role arns for this role');
  }
  return asked;
}

function stsTtlOf({ fields }: Request<CredsFields>, role: AwsRole): number {
  const asked = fields.ttl ?? (role.defaultStsTtlSeconds || STS_SECONDS_DEFAULT);
  const most = role.maxStsTtlSeconds || STS_SECONDS_MAX;
  if (asked > most) {
    throw invalidRequest(`ttl is larger than the max_sts_ttl of the role, ${most} seconds`);
  }
  return Math.max(asked, STS_SECONDS_MIN);
}

function nameFor(
  { principal, fields, nowMs }: Request<CredsFields>,
  config: RootConfig,
  { random }: AwsPorts,
  Type: 'IAM' | 'STS',
): string {
  const template =
    config.usernameTemplate === '' ? DEFAULT_USERNAME_TEMPLATE : config.usernameTemplate;
  const DisplayName = (principal?.displayName ?? '').replace(HARMLESS, '_');
  const data = { Type, DisplayName, PolicyName: fields.name };
  let name: string;
  try {
    name = compileNameTemplate(template, USERNAME_FIELDS).name(data, { random, nowMs });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`failed to generate username: ${error.message}`);
  }
  if (!NAME.test(name)) throw invalidRequest('failed to generate username: AWS takes no such name');
  return name;
}

export function credsSecret(ports: AwsPorts): SecretType {
  return {
    async renew({ internal }, store) {
      if ((internal as Lent).username === '') {
        throw invalidRequest('temporary credentials cannot be renewed');
      }
      const { leaseSeconds, leaseMaxSeconds } = await leaseConfigOf(store);
      return { ttlSeconds: leaseSeconds, maxTtlSeconds: leaseMaxSeconds };
    },
    async revoke({ internal, nowMs }, store) {
      const { username } = internal as Lent;
      // Temporary credentials cannot be taken back: they end by themselves, with the lease.
      if (username === '') return;
      const aws = awsOf(await rootConfigOf(store), ports, nowMs);
      try {
        await deleteUser(aws, username);
      } catch (error) {
        throw asFailure('error removing a user', error);
      }
    },
  };
}
