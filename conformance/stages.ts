/** What suites find prepared on the server: entities with rights, mounts, bindings and credentials of each cloud's API. */
import { execFileSync } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textAt } from '../rig/api.ts';
import type { Api } from '../rig/api.ts';
import type { VaultServer } from '../rig/vault-server.ts';

export interface Stage {
  readonly server: VaultServer;
  /** Every name leads to loopback there. */
  readonly proxy: string;
  readonly caFile: string;
}

/** Suffix of every host name here: nobody can register it (RFC 6761). */
const DOMAIN = 'kv.strongroom.test';
const PROJECT = 'conformance';
const HOUR_SECONDS = 3600;
/** Names that the server's certificate carries, beside loopback. */
export const HOST_NAMES: readonly string[] = [DOMAIN, `*.${DOMAIN}`];

const EVERYTHING =
  'path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "scan"] }\n' +
  'path "transit/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }\n' +
  'path "pki/*" { capabilities = ["create", "read", "update", "delete", "list"] }\n' +
  'path "sys/policies/acl/gcp-*" { capabilities = ["create", "update", "delete"] }\n' +
  'path "identity/group/name/gcp-*" { capabilities = ["create", "read", "update", "delete"] }\n' +
  'path "identity/entity/*" { capabilities = ["read"] }';
const READ_ONLY = 'path "secret/data/*" { capabilities = ["read"] }';

/** Secrets and keys, an entity that may do everything with them, one that may only read, and an issuer of web identities. */
async function setUp(api: Api, token: string): Promise<{ readonly jwt: string }> {
  const put = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
    await api.expect('PUT', path, { token, body });
  await put('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await put('sys/mounts/transit', { type: 'transit' });
  await put('sys/policies/acl/everything', { policy: EVERYTHING });
  await put('sys/policies/acl/read-only', { policy: READ_ONLY });
  await put('identity/entity', { name: 'app', policies: ['everything'] });
  await put('identity/entity', { name: 'reader', policies: ['read-only'] });
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await put('sys/auth/jwt', { type: 'jwt' });
  await put('auth/jwt/config', {
    jwt_validation_pubkeys: [publicKey.export({ type: 'spki', format: 'pem' })],
  });
  await put('auth/jwt/role/app', {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_audiences: ['strongroom'],
    token_policies: ['everything'],
  });
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: 'pod', aud: 'strongroom', iat: now, exp: now + HOUR_SECONDS };
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = createSign('sha256').update(signed).sign(privateKey, 'base64url');
  return { jwt: `${signed}.${signature}` };
}

type Prepare = (stage: Stage, jwt: string) => Promise<Readonly<Record<string, string>>>;

/** The stage of some APIs, over the same mounts and entities. */
export function staged(
  ...prepare: readonly Prepare[]
): (stage: Stage) => Promise<Readonly<Record<string, string>>> {
  return async (stage) => {
    const { jwt } = await setUp(stage.server.api, stage.server.rootToken);
    const made = await Promise.all(prepare.map((one) => one(stage, jwt)));
    return Object.assign({}, ...made) as Readonly<Record<string, string>>;
  };
}

/** An authority, and two roles for those who want certificates of it. */
export const authority: Prepare = async ({ server }) => {
  const { api, rootToken: token } = server;
  const put = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
    await api.expect('PUT', path, { token, body });
  await put('sys/mounts/pki', { type: 'pki', config: { max_lease_ttl: '8760h' } });
  await put('pki/root/generate/internal', { common_name: 'Root', key_type: 'ec', ttl: '8000h' });
  for (const role of ['site', 'js-site']) {
    await put(`pki/roles/${role}`, {
      allowed_domains: 'example.com',
      allow_subdomains: true,
      key_type: 'any',
      max_ttl: '2000h',
    });
  }
  return {};
};

/** Nothing is prepared: what there is to be, the suite makes. */
export async function vault({ server, caFile }: Stage): Promise<Readonly<Record<string, string>>> {
  return await Promise.resolve({
    VAULT_ADDR: server.api.address,
    VAULT_TOKEN: server.rootToken,
    VAULT_CACERT: caFile,
  });
}

export const azure: Prepare = async ({ server, proxy, caFile }, jwt) => {
  const { api, rootToken: token, folder } = server;
  const put = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
    await api.expect('PUT', path, { token, body });
  for (const host of [DOMAIN, `myvault.${DOMAIN}`]) {
    const mounts = {
      mount: 'secret/',
      keys_mount: 'transit/',
      certificates_mount: 'pki/',
      login_mount: 'auth/jwt/',
    };
    await put(`sys/bindings/azure/${host}`, mounts);
  }
  const secretOf = async (entity: string): Promise<[string, string]> => {
    const issued = await put('identity/credential/client-secret', { entity_name: entity });
    return [textAt(issued, 'data', 'client_id'), textAt(issued, 'data', 'client_secret')];
  };
  const [client, secret] = await secretOf('app');
  const limited = await secretOf('reader');
  const tokenFile = join(folder, 'federated-token');
  writeFileSync(tokenFile, jwt);
  const { port } = new URL(api.address);
  return {
    VAULT_URL: `https://myvault.${DOMAIN}:${port}`,
    AZURE_AUTHORITY_HOST: `https://${DOMAIN}:${port}`,
    AZURE_TENANT_ID: 'adfs',
    AZURE_CLIENT_ID: client,
    AZURE_CLIENT_SECRET: secret,
    LIMITED_CLIENT_SECRET: limited.join('|'),
    FEDERATED_TOKEN_FILE: tokenFile,
    HTTPS_PROXY: proxy,
    REQUESTS_CA_BUNDLE: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
  };
};

export const google: Prepare = async ({ server, caFile }, jwt) => {
  const { api, rootToken: token, folder } = server;
  await api.expect('PUT', `sys/bindings/gcp/${PROJECT}`, {
    token,
    body: { mount: 'secret/', login_mount: 'auth/jwt/' },
  });
  // Nobody answers there: what is told is told later.
  await api.expect('PUT', 'secret/functions/changes', {
    token,
    body: { url: 'http://127.0.0.1:9/' },
  });
  const issued = await api.expect('PUT', 'identity/credential/service-account-key', {
    token,
    body: {
      entity_name: 'app',
      bound_to: PROJECT,
      token_uri: `${api.address}/google/token`,
    },
  });
  const email = textAt(issued, 'data', 'client_email');
  const keyFile = join(folder, 'service-account.json');
  writeFileSync(keyFile, JSON.stringify(issued['data']));
  const tokenFile = join(folder, 'federated-token');
  writeFileSync(tokenFile, jwt);
  const federationFile = join(folder, 'external-account.json');
  // In this form the libraries ask nobody but the token endpoint.
  const pool = `locations/global/workforcePools/${PROJECT}/providers/app`;
  writeFileSync(
    federationFile,
    JSON.stringify({
      type: 'external_account',
      audience: `//iam.googleapis.com/${pool}`,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${api.address}/google/sts`,
      credential_source: { file: tokenFile },
    }),
  );
  return {
    // grpc-js takes no IP address as the name of a TLS server.
    ENDPOINT: `localhost:${new URL(api.address).port}`,
    PROJECT,
    KEY_FILE: keyFile,
    GOOGLE_APPLICATION_CREDENTIALS: keyFile,
    TF_VAR_endpoint: `localhost:${new URL(api.address).port}`,
    TF_VAR_project: PROJECT,
    TF_VAR_member: `serviceAccount:${email}`,
    SSL_CERT_FILE: caFile,
    FEDERATION_FILE: federationFile,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: caFile,
    REQUESTS_CA_BUNDLE: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
    // Nothing outside is asked about the machine.
    NO_GCE_CHECK: 'true',
    METADATA_SERVER_DETECTION: 'none',
  };
};

const ACCOUNT = '111122223333';

export const aws: Prepare = async ({ server, caFile }, jwt) => {
  const { api, rootToken: token, folder } = server;
  const put = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
    await api.expect('PUT', path, { token, body });
  await put(`sys/bindings/aws/${ACCOUNT}`, {
    mount: 'secret/',
    keys_mount: 'transit/',
    login_mount: 'auth/jwt/',
  });
  await put('transit/keys/unseal', {});
  const keyOf = async (entity: string): Promise<readonly [string, string]> => {
    const issued = await put('identity/credential/access-key', {
      entity_name: entity,
      bound_to: ACCOUNT,
    });
    return [textAt(issued, 'data', 'access_key_id'), textAt(issued, 'data', 'secret_access_key')];
  };
  const [id, secret] = await keyOf('app');
  const limited = await keyOf('reader');
  const tokenFile = join(folder, 'federated-token');
  writeFileSync(tokenFile, jwt);
  return {
    AWS_ENDPOINT_URL: api.address,
    AWS_ACCESS_KEY_ID: id,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_REGION: 'eu-central-1',
    AWS_CA_BUNDLE: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
    SSL_CERT_FILE: caFile,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    ACCOUNT,
    LIMITED_KEY: limited.join('|'),
    FEDERATED_TOKEN_FILE: tokenFile,
    NO_PROXY: '127.0.0.1,localhost',
  };
};

/** Java takes authorities from a key store, which a property of the machine names. */
export const java: Prepare = async ({ server, caFile }) => {
  const store = join(server.folder, 'trusted.p12');
  const file = ['-file', caFile, '-keystore', store, '-storepass', 'changeit'];
  execFileSync('keytool', ['-importcert', '-noprompt', '-alias', 'server', ...file], {
    stdio: 'pipe',
  });
  const properties = [
    `javax.net.ssl.trustStore=${store}`,
    'javax.net.ssl.trustStorePassword=changeit',
    // Azure's libraries look at HTTPS_PROXY only with this.
    'java.net.useSystemProxies=true',
  ];
  return { JAVA_TOOL_OPTIONS: properties.map((each) => `-D${each}`).join(' ') };
};
