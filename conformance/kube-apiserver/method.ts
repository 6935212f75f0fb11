/** Logins with tokens of service accounts. */
import assert from 'node:assert/strict';
import { textAt } from '../../rig/api.ts';
import { AUDIENCE, CORE, TOKEN, api, cluster, makeAccount, put, tokenOf } from './stage.ts';

/** An auth mount that asks this cluster, with a role for `app` in `prod`. */
async function mounted(path: string, config: object, role: object = {}): Promise<string> {
  await put(`sys/auth/${path}`, { type: 'kubernetes' });
  await put(`auth/${path}/config`, {
    kubernetes_host: cluster.url,
    kubernetes_ca_cert: cluster.caPem,
    disable_local_ca_jwt: true,
    ...config,
  });
  await put(`auth/${path}/role/r`, {
    bound_service_account_names: 'app',
    bound_service_account_namespaces: 'prod',
    ...role,
  });
  return path;
}

async function login(mount: string, jwt: string): Promise<{ status: number; body: unknown }> {
  return await api.call('PUT', `auth/${mount}/login`, { body: { role: 'r', jwt } });
}

async function refused(mount: string, jwt: string): Promise<void> {
  const { status, body } = await login(mount, jwt);
  assert.equal(status, 403, JSON.stringify(body));
}

async function accepted(mount: string, jwt: string): Promise<unknown> {
  const { status, body } = await login(mount, jwt);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const reviewer = await tokenOf('kube-system', 'reviewer');

export const method: Readonly<Record<string, () => Promise<void>>> = {
  async 'a login that a reviewer vouches for'() {
    const mount = await mounted('reviewer', { token_reviewer_jwt: reviewer });
    const body = await accepted(mount, await tokenOf('prod', 'app'));
    assert.equal(textAt(body, 'auth', 'metadata', 'service_account_name'), 'app');
    assert.equal(textAt(body, 'auth', 'metadata', 'service_account_namespace'), 'prod');
    const made = await cluster.expect('GET', `${CORE}/namespaces/prod/serviceaccounts/app`);
    assert.equal(
      textAt(body, 'auth', 'metadata', 'service_account_uid'),
      textAt(made, 'metadata', 'uid'),
    );
    await refused(mount, await tokenOf('prod', 'other'));
    await refused(mount, await tokenOf('dev', 'app'));
    const token = await tokenOf('prod', 'app');
    await refused(mount, `${token.slice(0, -6)}AAAAAA`);
  },
  async 'a login that the caller’s own token vouches for'() {
    const names = { bound_service_account_names: 'app,other' };
    const mount = await mounted('own', {}, names);
    await accepted(mount, await tokenOf('prod', 'app'));
    // This account may not ask for reviews.
    await refused(mount, await tokenOf('prod', 'other'));
  },
  async audiences() {
    const mount = await mounted(
      'audiences',
      { token_reviewer_jwt: reviewer },
      { audience: AUDIENCE },
    );
    await accepted(mount, await tokenOf('prod', 'app', [AUDIENCE]));
    await accepted(mount, await tokenOf('prod', 'app', ['elsewhere', AUDIENCE]));
    await refused(mount, await tokenOf('prod', 'app', ['elsewhere']));
    await refused(mount, await tokenOf('prod', 'app'));
    const any = await mounted('any-audience', { token_reviewer_jwt: reviewer });
    // Without an audience the API server accepts its own only.
    await refused(any, await tokenOf('prod', 'app', ['elsewhere']));
  },
  async 'selectors of namespaces'() {
    const role = {
      bound_service_account_namespaces: '',
      bound_service_account_namespace_selector: '{"matchLabels":{"env":"prod"}}',
    };
    const mount = await mounted('selected', { token_reviewer_jwt: reviewer }, role);
    await accepted(mount, await tokenOf('prod', 'app'));
    await refused(mount, await tokenOf('dev', 'app'));
  },
  async 'names as aliases'() {
    const role = { alias_name_source: 'serviceaccount_name' };
    const mount = await mounted('names', { token_reviewer_jwt: reviewer }, role);
    const entity = textAt(await accepted(mount, await tokenOf('prod', 'app')), 'auth', 'entity_id');
    const shown = await api.expect('GET', `identity/entity/id/${entity}`, { token: TOKEN });
    assert.equal(textAt(shown, 'data', 'aliases', 0, 'name'), 'prod/app');
  },
  async 'the cluster’s issuer alone'() {
    const config = {
      issuer_discovery_url: cluster.url,
      issuer_ca_pem: cluster.caPem,
    };
    const mount = await mounted('issuer', config, { audience: AUDIENCE });
    await accepted(mount, await tokenOf('prod', 'app', [AUDIENCE]));
    await refused(mount, await tokenOf('prod', 'app', ['elsewhere']));
    await refused(mount, await tokenOf('dev', 'app', [AUDIENCE]));
    // The same by the method that knows nothing of Kubernetes.
    await put('sys/auth/jwt', { type: 'jwt' });
    await put('auth/jwt/config', {
      oidc_discovery_url: cluster.url,
      oidc_discovery_ca_pem: cluster.caPem,
    });
    await put('auth/jwt/role/r', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: AUDIENCE,
      bound_subject: 'system:serviceaccount:prod:app',
    });
    await accepted('jwt', await tokenOf('prod', 'app', [AUDIENCE]));
  },
  async 'a service account that is gone'() {
    const names = { bound_service_account_names: 'fleeting' };
    const mount = await mounted('gone', { token_reviewer_jwt: reviewer }, names);
    const jwt = await tokenOf('prod', 'fleeting');
    const token = textAt(await accepted(mount, jwt), 'auth', 'client_token');
    assert.equal((await api.call('PUT', 'auth/token/renew-self', { token, body: {} })).status, 200);
    await cluster.expect('DELETE', `${CORE}/namespaces/prod/serviceaccounts/fleeting`);
    // The API server remembers an answer for some seconds.
    let status = 200;
    for (let left = 60; status === 200 && left > 0; left--) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      ({ status } = await api.call('PUT', 'auth/token/renew-self', { token, body: {} }));
    }
    assert.equal(status, 400);
    await makeAccount('prod', 'fleeting');
    await refused(mount, jwt);
    await accepted(mount, await tokenOf('prod', 'fleeting'));
  },
};
