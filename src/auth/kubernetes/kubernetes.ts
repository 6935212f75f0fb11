/** Kubernetes: pods that log in with the token of their service account, which the API server reviews. */
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend } from '../../model/backend.ts';
import { invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Reply, Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { checkAddress, grantOf, makesBatchTokens, renewalOf } from '../token-fields.ts';
import { configOf, configPath } from './config.ts';
import type { KubernetesConfig } from './config.ts';
import { allows, kubernetesRoles } from './role.ts';
import type { KubernetesRole } from './role.ts';
import { ReviewError, accountOf, claimsWorthReview, reviewed } from './service-account.ts';
import type { Reviewer, ServiceAccount } from './service-account.ts';

interface LoginFields {
  readonly role: string;
  readonly jwt: string;
}

/** Whose token it is: by its own word and by the API server's, which must agree. @throws {ReviewError} */
async function identified(
  reviewer: Reviewer,
  config: KubernetesConfig,
  role: Stored<KubernetesRole>,
  token: string,
  nowMs: number,
): Promise<ServiceAccount> {
  const { audience } = role;
  const account = accountOf(claimsWorthReview(token, config, { audience, nowMs }));
  if (!allows(role.bound_service_account_namespaces, account.namespace))
    throw new ReviewError('the role does not name the namespace');
  if (!allows(role.bound_service_account_names, account.name))
    throw new ReviewError('the role does not name the service account');
  const answer = await reviewed(reviewer, config, token, audience);
  if (
    answer.namespace !== account.namespace ||
    answer.name !== account.name ||
    answer.uid !== account.uid ||
    answer.uid === ''
  ) {
    throw new ReviewError('the API server names another service account');
  }
  return account;
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  reviewer: Reviewer,
): Promise<Reply> {
  const { jwt } = request.fields;
  if (request.fields.role === '') throw invalidRequest('missing role');
  if (jwt === '') throw invalidRequest('missing jwt');
  const roleName = request.fields.role.toLowerCase();
  const role = await kubernetesRoles.find(store, roleName);
  if (role === undefined) throw invalidRequest('invalid role name');
  const config = await configOf(store);
  if (config === undefined) throw invalidRequest('could not load backend configuration');
  checkAddress(role.settings, request.connection);
  let account: ServiceAccount;
  try {
    account = await identified(reviewer, config, role, jwt, request.nowMs);
  } catch (error) {
    if (error instanceof ReviewError) throw permissionDenied(error.message);
    throw error;
  }
  const { namespace, name, uid, secretName } = account;
  const metadata = {
    role: request.fields.role,
    service_account_name: name,
    service_account_namespace: namespace,
    service_account_secret_name: secretName,
    service_account_uid: uid,
  };
  const grant = grantOf(role.settings, request.connection);
  return {
    auth: {
      ...grant,
      displayName: `${namespace}-${name}`,
      metadata,
      alias: {
        name: role.alias_name_source === 'serviceaccount_uid' ? uid : `${namespace}/${name}`,
        metadata,
      },
      // A renewal asks for another review; a batch token is never renewed, and carries what is kept.
      internal: { role: roleName, ...(makesBatchTokens(grant, request.mount) ? {} : { jwt }) },
    },
  };
}

export function kubernetesBackend(reviewer: Reviewer): Backend {
  /** A service account that is gone renews nothing (CVE-2026-115356). */
  async function renewAuth(
    renewal: AuthRenewal,
    store: Reader,
  ): Promise<ReturnType<typeof renewalOf>> {
    const { role: name, jwt } = renewal.internal;
    const role = typeof name === 'string' ? await kubernetesRoles.find(store, name) : undefined;
    const config = await configOf(store);
    if (role === undefined || config === undefined || typeof jwt !== 'string')
      throw invalidRequest('failed to renew entry: the role no longer exists');
    try {
      await identified(reviewer, config, role, jwt, renewal.nowMs);
    } catch (error) {
      if (!(error instanceof ReviewError)) throw error;
      throw invalidRequest('failed to renew entry: the service account is not accepted any more', {
        detail: error.message,
      });
    }
    return renewalOf(role.settings);
  }

  return {
    type: 'kubernetes',
    kind: 'auth',
    summary: 'Pods that log in with the token of their service account.',
    paths: [
      configPath,
      ...kubernetesRoles.paths,
      definePath({
        pattern: 'login',
        fields: {
          role: { kind: 'string', description: 'Role to log in to.', default: '' },
          jwt: { kind: 'string', description: 'Token of the service account.', default: '' },
        },
        help: { synopsis: 'Logs in with the token of a service account.' },
        unauthenticated: true,
        login: true,
        operations: {
          update: {
            summary: 'Log in',
            handler: (request, store) => login(request, store, reviewer),
            outsideEffects: true,
          },
        },
      }),
    ],
    renewAuth,
  };
}
