/** `config`: whose tokens of Microsoft Entra ID are accepted, and for which audience. */
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { FieldSet } from '../../model/field.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';
import type { KeySource } from '../key-sets.ts';

export interface AzureConfig {
  readonly tenant_id: string;
  readonly resource: string;
  readonly environment: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly login_endpoint: string;
  readonly login_ca_pem: string;
}

const KEY = 'config';
/** Where tokens are issued, by cloud. */
const LOGIN_ENDPOINTS: ReadonlyMap<string, string> = new Map([
  ['AzurePublicCloud', 'https://login.microsoftonline.com'],
  ['AzureUSGovernmentCloud', 'https://login.microsoftonline.us'],
  ['AzureChinaCloud', 'https://login.chinacloudapi.cn'],
]);
const TENANT = /^[\w.-]{1,128}$/;

const FIELDS: FieldSet = {
  tenant_id: { kind: 'string', description: 'Tenant of the directory.' },
  resource: { kind: 'string', description: 'Audience that tokens must have.' },
  environment: {
    kind: 'string',
    description: 'AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud.',
  },
  client_id: { kind: 'string', description: 'Kept for compatibility: no API of Azure is asked.' },
  client_secret: { kind: 'string', description: 'Kept for compatibility.', sensitive: true },
  login_endpoint: { kind: 'string', description: 'URL of the issuer; that of the cloud without.' },
  login_ca_pem: {
    kind: 'string',
    description: 'Certificates (PEM) that alone are trusted for login_endpoint.',
  },
};

const FRESH: AzureConfig = {
  tenant_id: '',
  resource: '',
  environment: 'AzurePublicCloud',
  client_id: '',
  client_secret: '',
  login_endpoint: '',
  login_ca_pem: '',
};

/** Not through the cache of decoded records: it may hold a secret. */
export async function configOf(store: Reader): Promise<AzureConfig | undefined> {
  return await store.getJson<AzureConfig>(KEY);
}

function loginEndpoint(config: AzureConfig): string {
  const own = config.login_endpoint.replace(/\/$/, '');
  return own === '' ? (LOGIN_ENDPOINTS.get(config.environment) ?? '') : own;
}

/** Both versions of tokens have the same keys, and issuers of their own. */
export function issuersOf(config: AzureConfig): readonly string[] {
  const tenant = config.tenant_id;
  const host =
    config.environment === 'AzureChinaCloud' ? 'sts.chinacloudapi.cn' : 'sts.windows.net';
  const base = `${loginEndpoint(config)}/${tenant}`;
  return [`https://${host}/${tenant}/`, `${base}/v2.0`, `${base}/`];
}

export function sourceOf(config: AzureConfig): KeySource {
  return {
    kind: 'discovery',
    url: `${loginEndpoint(config)}/${config.tenant_id}`,
    caPem: config.login_ca_pem,
    issuers: issuersOf(config),
  };
}

async function write(request: Request, store: Transaction): Promise<undefined> {
  const merged: Record<string, unknown> = { ...FRESH, ...(await configOf(store)) };
  for (const name of Object.keys(FRESH))
    if (request.fields[name] !== undefined) merged[name] = request.fields[name];
  const config = merged as unknown as AzureConfig;
  if (config.tenant_id === '') throw invalidRequest('tenant_id is required');
  if (!TENANT.test(config.tenant_id)) throw invalidRequest('tenant_id is not one');
  if (config.resource === '') throw invalidRequest('resource is required');
  if (!LOGIN_ENDPOINTS.has(config.environment)) throw invalidRequest('invalid environment');
  if (URL.parse(loginEndpoint(config)) === null)
    throw invalidRequest('login_endpoint is not a URL');
  store.putJson(KEY, config);
  return undefined;
}

export const configPath: Path = settingsPath<FieldSet>({
  pattern: 'config',
  fields: FIELDS,
  synopsis: 'Says whose tokens are accepted.',
  async read(store) {
    const config = await configOf(store);
    if (config === undefined) return undefined;
    const { client_secret: _secret, ...shown } = config;
    return shown;
  },
  write,
  remove: (store) => store.delete(KEY),
});
