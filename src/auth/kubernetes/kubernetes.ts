/** Kubernetes: pods that log in with the token of their service account, which the API server reviews. */
import type { Clock } from '../../base/clock.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend } from '../../model/backend.ts';
import { invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { checkAddress, grantOf, makesBatchTokens, renewalOf } from '../token-fields.ts';
import { KeySets } from '../key-sets.ts';
import { configOf, configPath } from './config.ts';
import type { KubernetesConfig } from './config.ts';
import { allows, kubernetesRoles } from './role.ts';
import type { KubernetesRole } from './role.ts';
import { readSelector, selects } from './selector.ts';
import {
  ReviewError,
  accountOf,
  claimsWorthReview,
  namespaceLabels,
  reviewed,
  vouchedByIssuer,
} from './service-account.ts';
import type { Reviewer, ServiceAccount } from './service-account.ts';
import type { Reply } from '../../model/reply.ts';

interface LoginFields {
  readonly role: string;
  readonly jwt: string;
}

export interface KubernetesPorts extends Reviewer {
  readonly clock: Clock;
}

/** Who judges tokens: the API server, or the keys of the cluster's issuer. */
interface Judges {
  readonly reviewer: Reviewer;
  readonly keySets: KeySets;
}

/** The token is its service account's, by the word of the API server or the signature of the issuer. @throws {ReviewError} */
async function vouch(
  { reviewer, keySets }: Judges,
  config: KubernetesConfig,
  account: ServiceAccount,
  { token, audience }: { readonly token: string; readonly audience: string },
): Promise<void> {
  if (config.issuer_discovery_url !== undefined) {
    // Only the audience tells whom an offline token is for.
    if (audience === '') throw new ReviewError('the role has no audience');
    await vouchedByIssuer(keySets, config, token);
    if (account.uid === '') throw new ReviewError('the token names no service account');
    return;
  }
  const answer = await reviewed(reviewer, config, token, audience);
  if (
    answer.namespace !== account.namespace ||
    answer.name !== account.name ||
    answer.uid !== account.uid ||
    answer.uid === ''
  ) {
    throw new ReviewError('the API server names another service account');
  }
}

/** Whose token it is: by its own word and by the API server's, which must agree. @throws {ReviewError} */
async function identified(
  judges: Judges,
  config: KubernetesConfig,
  role: Stored<KubernetesRole>,
  token: string,
  nowMs: number,
): Promise<ServiceAccount> {
  const { audience, bound_service_account_namespace_selector: selector } = role;
  const account = accountOf(await claimsWorthReview(token, config, { audience, nowMs }));
  const named = allows(role.bound_service_account_namespaces, account.namespace);
  if (!named && selector === '') throw new ReviewError('the role does not name the namespace');
  if (!allows(role.bound_service_account_names, account.name))
    throw new ReviewError('the role does not name the service account');
  await vouch(judges, config, account, { token, audience });
  if (!named) {
    const labels = await namespaceLabels(judges.reviewer, config, account.namespace);
    if (!selects(await readSelector(selector), labels))
      throw new ReviewError('the role does not select the namespace');
  }
  return account;
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  judges: Judges,
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
    account = await identified(judges, config, role, jwt, request.nowMs);
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

export function kubernetesBackend(ports: KubernetesPorts): Backend {
  const judges: Judges = { reviewer: ports, keySets: new KeySets(ports.clock, ports.fetch) };

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
      await identified(judges, config, role, jwt, renewal.nowMs);
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
      configPath(ports.local),
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
            handler: (request, store) => login(request, store, judges),
            outsideEffects: true,
          },
        },
      }),
    ],
    renewAuth,
  };
}
