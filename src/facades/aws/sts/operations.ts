/**
 * AWS STS: who a caller is, and temporary access keys. A role is what the Vault API has under that name: for a web identity a role of
 * the bound auth mount, for AssumeRole a token role (`auth/token/roles/<name>`). Behind every temporary key is the ordinary token of
 * that login, with its policies and its end.
 */
import { isJsonObject } from '../../../base/json.ts';
import { newAccessKeyId } from '../../../model/access-key-id.ts';
import type { Answer } from '../../../core/call.ts';
import { RequestError } from '../../../model/errors.ts';
import { SELF_PATH } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { AwsError, validation } from '../errors.ts';
import { callerArn } from '../secrets/policy/evaluate.ts';
import type { XmlValue } from '../wire/xml.ts';

/** A temporary key, as it is sealed into its session token. */
export interface TemporaryKey {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly clientToken: string;
  readonly name: string;
  readonly expiresMs: number;
}

export type Parameters = ReadonlyMap<string, string>;
export type Sealer = (key: TemporaryKey) => string;
export type StsOperation = (
  parameters: Parameters,
  asking: Asking,
  seal: Sealer,
) => Promise<{ readonly [name: string]: XmlValue }>;

const DURATION_MIN = 900;
const DURATION_MAX = 129_600;
const DURATION_DEFAULT = 3600;
const SESSION_DEFAULT = 43_200;
const SECRET_BYTES = 30;
const ROLE_ARN = /^arn:aws:iam::(\d{12}):role\/([\w+=,.@/-]{1,512})$/;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
/** Parameters that would narrow a session: what cannot be honoured is not passed over. */
const NARROWING = [
  'Policy',
  'PolicyArns.member.1.arn',
  'SerialNumber',
  'TokenCode',
  'ProvidedContexts.member.1.ProviderArn',
];

function required(parameters: Parameters, name: string): string {
  const value = parameters.get(name) ?? '';
  if (value === '')
    throw validation(
      `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
    );
  return value;
}

function duration(parameters: Parameters, fallback: number): number {
  const text = parameters.get('DurationSeconds');
  if (text === undefined) return fallback;
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (seconds < DURATION_MIN || seconds > DURATION_MAX) {
    throw validation(
      `The requested DurationSeconds must be between ${DURATION_MIN} and ${DURATION_MAX}.`,
    );
  }
  return seconds;
}

function refuseNarrowing(parameters: Parameters): void {
  for (const name of NARROWING) {
    if (parameters.has(name)) {
      throw validation(`The parameter ${name} is not supported: a session may what its role may.`);
    }
  }
}

/** @throws {AwsError} no role of this account */
export function roleOf(
  arn: string,
  account: string | undefined,
): { readonly account: string; readonly role: string } {
  const match = ROLE_ARN.exec(arn);
  if (match === null) throw validation(`RoleArn is invalid`);
  const [, named = '', path = ''] = match;
  if (account !== undefined && named !== account) {
    throw new AwsError(
      'AccessDenied',
      `User is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
      {
        status: 403,
        code: 'permission_denied',
      },
    );
  }
  return { account: named, role: path.slice(path.lastIndexOf('/') + 1) };
}

function sessionName(parameters: Parameters): string {
  const name = required(parameters, 'RoleSessionName');
  if (!SESSION_NAME.test(name)) throw validation('RoleSessionName is invalid');
  return name;
}

interface Session {
  readonly name: string;
  readonly clientToken: string;
  readonly seconds: number;
}

function credentials(
  asking: Asking,
  seal: Sealer,
  session: Session,
): { readonly [name: string]: XmlValue } {
  const { account, random, nowMs } = asking;
  const key: TemporaryKey = {
    accessKeyId: newAccessKeyId(random, 'ASIA', account),
    secret: random.bytes(SECRET_BYTES).toString('base64'),
    clientToken: session.clientToken,
    name: session.name,
    expiresMs: nowMs + session.seconds * 1000,
  };
  return {
    AccessKeyId: key.accessKeyId,
    SecretAccessKey: key.secret,
    SessionToken: seal(key),
    Expiration: `${new Date(key.expiresMs).toISOString().slice(0, 19)}Z`,
  };
}

/** The token of a login, for as long as that gives it at most. */
function sessionOf(answer: Answer, name: string, wantedSeconds: number): Session {
  const { auth } = answer;
  if (auth === undefined)
    throw new RequestError('internal', 'internal error', { detail: 'a login without a token' });
  const lease = auth.leaseDurationSeconds;
  return {
    name,
    clientToken: auth.clientToken,
    seconds: lease === 0 ? wantedSeconds : Math.min(lease, wantedSeconds),
  };
}

/** `AROA…`: the same for the same role. */
function roleId(role: string): string {
  return `AROA${Buffer.from(role).toString('hex').toUpperCase().padEnd(17, '0').slice(0, 17)}`;
}

function assumed(
  account: string,
  role: string,
  name: string,
): { readonly [name: string]: XmlValue } {
  return {
    AssumedRoleUser: {
      Arn: callerArn(account, `assumed-role/${role}/${name}`),
      AssumedRoleId: `${roleId(role)}:${name}`,
    },
  };
}

const getCallerIdentity: StsOperation = async (_parameters, asking) => {
  const answer = await asking.ask({ operation: 'read', path: SELF_PATH, part: '' });
  const { caller } = answer;
  return {
    Arn: callerArn(asking.account, caller?.name ?? ''),
    UserId:
      caller?.entityId === undefined || caller.entityId === ''
        ? (caller?.accessor ?? '')
        : caller.entityId,
    Account: asking.account,
  };
};

const assumeRole: StsOperation = async (parameters, asking, seal) => {
  refuseNarrowing(parameters);
  const { role } = roleOf(required(parameters, 'RoleArn'), asking.account);
  const name = sessionName(parameters);
  const seconds = duration(parameters, DURATION_DEFAULT);
  const answer = await asking.ask({
    operation: 'write',
    path: `auth/token/create/${role}`,
    part: '',
    body: { ttl: `${seconds}s`, display_name: name, meta: { role, session: name } },
  });
  const made = sessionOf(answer, `assumed-role/${role}/${name}`, seconds);
  return {
    ...assumed(asking.account, role, name),
    Credentials: credentials(asking, seal, made),
    PackedPolicySize: 0,
  };
};

const getSessionToken: StsOperation = async (parameters, asking, seal) => {
  refuseNarrowing(parameters);
  const seconds = duration(parameters, SESSION_DEFAULT);
  const who = await asking.ask({ operation: 'read', path: SELF_PATH, part: '' });
  const answer = await asking.ask({
    operation: 'write',
    path: 'auth/token/create',
    part: '',
    body: { ttl: `${seconds}s` },
  });
  return {
    Credentials: credentials(asking, seal, sessionOf(answer, who.caller?.name ?? '', seconds)),
  };
};

/** The subject of a JWT, not verified: it has been, by the auth mount, when this is asked. */
function subjectOf(jwt: string): string {
  try {
    const payload: unknown = JSON.parse(
      Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString(),
    );
    const subject = isJsonObject(payload) ? payload['sub'] : undefined;
    return typeof subject === 'string' ? subject : '';
  } catch {
    return '';
  }
}

const assumeRoleWithWebIdentity: StsOperation = async (parameters, asking, seal) => {
  refuseNarrowing(parameters);
  const { role } = roleOf(required(parameters, 'RoleArn'), asking.account);
  const name = sessionName(parameters);
  const jwt = required(parameters, 'WebIdentityToken');
  const seconds = duration(parameters, DURATION_DEFAULT);
  const answer = await loggedIn(asking, role, jwt);
  const made = sessionOf(answer, `assumed-role/${role}/${name}`, seconds);
  return {
    SubjectFromWebIdentityToken: subjectOf(jwt),
    ...assumed(asking.account, role, name),
    Credentials: credentials(asking, seal, made),
    PackedPolicySize: 0,
  };
};

/** The login of Vault's jwt and kubernetes methods. */
async function loggedIn(asking: Asking, role: string, jwt: string): Promise<Answer> {
  try {
    return await asking.ask({
      operation: 'write',
      path: 'login',
      part: 'login',
      body: { role, jwt },
    });
  } catch (error) {
    if (!(error instanceof RequestError) || error.reason === 'unbound') throw error;
    if (error.code !== 'invalid_request' && error.code !== 'permission_denied') throw error;
    throw new AwsError(
      'InvalidIdentityToken',
      'The web identity token that was passed is not valid for the role.',
      {
        code: 'permission_denied',
      },
    );
  }
}

export const STS_OPERATIONS: ReadonlyMap<string, StsOperation> = new Map([
  ['GetCallerIdentity', getCallerIdentity],
  ['AssumeRole', assumeRole],
  ['AssumeRoleWithWebIdentity', assumeRoleWithWebIdentity],
  ['GetSessionToken', getSessionToken],
]);

/** Come without a signature: what is in them is the proof. */
export const UNSIGNED: ReadonlySet<string> = new Set([
  'AssumeRoleWithWebIdentity',
  'AssumeRoleWithSAML',
]);
