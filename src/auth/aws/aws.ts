/** AWS: workloads that show with a signed request who they are there (GetCallerIdentity). */
import { globMatches } from '../../base/glob.ts';
import type { JsonValue } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend } from '../../model/backend.ts';
import { invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { listPath } from '../../model/listing/list-path.ts';
import type { FetchBytes } from '../fetch-json.ts';
import { checkAddress, grantOf, renewalOf } from '../token-fields.ts';
import { parseArn } from './arn.ts';
import { AwsError, callerOf, resolved } from './aws-client.ts';
import type { Caller } from './aws-client.ts';
import { configOf, configPaths, identityOf } from './config.ts';
import type { AwsConfig } from './config.ts';
import { awsRoles } from './role.ts';
import type { AwsRole } from './role.ts';
import type { Reply } from '../../model/reply.ts';

export interface AwsPorts {
  readonly random: Random;
  readonly fetch: FetchBytes;
}

interface LoginFields {
  readonly role: string;
  readonly iam_http_request_method: string;
  readonly iam_request_url: string;
  readonly iam_request_body: string;
  readonly iam_request_headers: JsonValue;
}

/** Whatever is wrong, the caller hears the same. */
function refused(detail: string): RequestError {
  return permissionDenied(detail);
}

/** The full ARN of a caller: that of an assumed role has its path with IAM only. */
async function fullArn(
  caller: Caller,
  config: AwsConfig,
  ports: { readonly fetch: FetchBytes; readonly nowMs: number },
): Promise<string> {
  if (caller.kind !== 'assumed-role') return caller.arn;
  const { arn, uniqueId } = await resolved(caller, config, ports);
  if (uniqueId !== caller.uniqueId) throw new AwsError('the role was made anew since');
  return arn;
}

/** Whether the role names the caller: by id where it is bound so, else by name, else by a pattern. @throws {AwsError} */
async function checkBound(
  role: Stored<AwsRole>,
  caller: Caller,
  config: AwsConfig,
  ports: { readonly fetch: FetchBytes; readonly nowMs: number },
): Promise<void> {
  const bound = role.bound_iam_principal_arn;
  if (role.bound_iam_principal_id.includes(caller.uniqueId)) return;
  const named = bound.some((arn) => {
    const principal = parseArn(arn);
    if (principal === undefined) return false;
    const byId = role.resolve_aws_unique_ids && principal.kind !== 'root';
    return !byId && principal.canonicalArn === caller.canonicalArn;
  });
  if (named) return;
  const patterns = bound.filter((arn) => arn.endsWith('*'));
  const account = `:${caller.account}:`;
  if (patterns.some((pattern) => pattern.includes(account))) {
    const whole = await fullArn(caller, config, ports);
    if (patterns.some((pattern) => globMatches(pattern, whole))) return;
  }
  throw new AwsError('the role does not name the caller');
}

function metadataOf(caller: Caller, wanted: readonly string[]): Record<string, string> {
  const known: Readonly<Record<string, string>> = {
    account_id: caller.account,
    auth_type: 'iam',
    canonical_arn: caller.canonicalArn,
    client_arn: caller.arn,
    client_user_id: caller.uniqueId,
  };
  return Object.fromEntries(wanted.map((name) => [name, known[name] ?? '']));
}

/** The headers came as base64 of JSON, as JSON text, or as an object. */
function headerText(headers: JsonValue): string {
  return typeof headers === 'string' ? headers : JSON.stringify(headers);
}

export function awsBackend(ports: AwsPorts): Backend {
  const roles = awsRoles(ports);

  async function login(request: Request<LoginFields>, store: Transaction): Promise<Reply> {
    const { fields, connection, nowMs } = request;
    for (const name of ['iam_http_request_method', 'iam_request_url', 'iam_request_body'] as const)
      if (fields[name] === '') throw invalidRequest(`missing ${name}`);
    if (fields.iam_request_headers === '') throw invalidRequest('missing iam_request_headers');
    const config = await configOf(store);
    try {
      const caller = await callerOf(
        {
          method: fields.iam_http_request_method,
          url: fields.iam_request_url,
          body: fields.iam_request_body,
          headers: headerText(fields.iam_request_headers),
        },
        config,
        ports.fetch,
      );
      const roleName = (fields.role === '' ? caller.name : fields.role).toLowerCase();
      const role = await roles.find(store, roleName);
      if (role === undefined) throw new AwsError('there is no such role');
      checkAddress(role.settings, connection);
      await checkBound(role, caller, config, { fetch: ports.fetch, nowMs });
      const identity = await identityOf(store);
      const names: Readonly<Record<string, string>> = {
        role_id: role.role_id,
        unique_id: caller.uniqueId,
        canonical_arn: caller.canonicalArn,
        full_arn:
          identity.iam_alias === 'full_arn'
            ? await fullArn(caller, config, { fetch: ports.fetch, nowMs })
            : '',
      };
      const metadata = metadataOf(caller, identity.iam_metadata);
      return {
        auth: {
          ...grantOf(role.settings, connection),
          displayName: caller.name,
          metadata: { ...metadata, role_id: role.role_id },
          alias: { name: names[identity.iam_alias] ?? role.role_id, metadata },
          internal: {
            role: roleName,
            role_id: role.role_id,
            canonical_arn: caller.canonicalArn,
            unique_id: caller.uniqueId,
            arn: caller.arn,
          },
        },
      };
    } catch (error) {
      if (error instanceof AwsError) throw refused(error.message);
      throw error;
    }
  }

  /** The role must still name whoever logged in; AWS is asked only where a pattern needs a path. */
  async function renewAuth(
    renewal: AuthRenewal,
    store: Reader,
  ): Promise<ReturnType<typeof renewalOf>> {
    const { role: name, role_id: roleId, unique_id: uniqueId, arn } = renewal.internal;
    const role = typeof name === 'string' ? await roles.find(store, name) : undefined;
    const principal = typeof arn === 'string' ? parseArn(arn) : undefined;
    if (role === undefined || role.role_id !== roleId || principal === undefined)
      throw invalidRequest('failed to renew entry: the role no longer exists');
    const id = typeof uniqueId === 'string' ? uniqueId : '';
    const caller: Caller = { ...principal, uniqueId: id, userId: id };
    try {
      const config = await configOf(store);
      await checkBound(role, caller, config, { fetch: ports.fetch, nowMs: renewal.nowMs });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw invalidRequest('failed to renew entry: the role does not name the caller any more', {
        detail: error.message,
      });
    }
    return renewalOf(role.settings);
  }

  return {
    type: 'aws',
    kind: 'auth',
    summary: 'Workloads that prove with a signed request who they are in AWS.',
    paths: [
      ...configPaths,
      listPath('roles', 'role/', 'the roles'),
      ...roles.paths,
      definePath({
        pattern: 'login',
        fields: {
          role: {
            kind: 'string',
            description: 'Role to log in to; the name of the caller without it.',
            default: '',
          },
          iam_http_request_method: { kind: 'string', description: 'POST.', default: '' },
          iam_request_url: {
            kind: 'string',
            description: 'URL of the signed request, base64.',
            default: '',
          },
          iam_request_body: {
            kind: 'string',
            description: 'Body of the signed request, base64.',
            default: '',
          },
          iam_request_headers: {
            kind: 'any',
            description: 'Headers of the signed request: JSON, or base64 of it.',
            default: '',
          },
        },
        help: { synopsis: 'Logs in with a request that is signed for STS.' },
        unauthenticated: true,
        login: true,
        operations: { update: { summary: 'Log in', handler: login, outsideEffects: true } },
      }),
    ],
    renewAuth,
  };
}
