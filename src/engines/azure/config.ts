/** `config`: the application that makes others, and where Microsoft’s APIs are. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';

const KEY = 'config';
const APIS = ['login', 'graph', 'management'] as const;
export type Api = (typeof APIS)[number];
type Endpoints = Readonly<Record<Api, string>>;

/** Where the APIs of each of Microsoft’s clouds are. */
const CLOUDS: Readonly<Record<string, Endpoints>> = {
  AzurePublicCloud: {
    login: 'https://login.microsoftonline.com',
    graph: 'https://graph.microsoft.com',
    management: 'https://management.azure.com',
  },
  AzureUSGovernmentCloud: {
    login: 'https://login.microsoftonline.us',
    graph: 'https://graph.microsoft.us',
    management: 'https://management.usgovcloudapi.net',
  },
  AzureChinaCloud: {
    login: 'https://login.chinacloudapi.cn',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    management: 'https://management.chinacloudapi.cn',
  },
};
const CLOUD_DEFAULT = 'AzurePublicCloud';
/** They go into paths of the API. */
const ID = /^[0-9A-Za-z-]{1,64}$/;

export interface AzureConfig {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly environment: string;
  readonly endpoints: Readonly<Partial<Endpoints>>;
  /** How long passwords that `rotate-root` makes are valid. */
  readonly rootPasswordSeconds?: number | undefined;
  /** The password that is in use, when `rotate-root` made it. */
  readonly made?: MadePassword | undefined;
  /** The next one, that Azure may not know everywhere yet. */
  readonly next?: (MadePassword & { readonly secret: string }) | undefined;
}

export interface MadePassword {
  /** Its display name. */
  readonly name: string;
  readonly endsMs: number;
}

/** Half a year, as Azure’s own pages have it. */
export const ROOT_PASSWORD_SECONDS: number = 4380 * 3600;

const FRESH: AzureConfig = {
  subscriptionId: '',
  tenantId: '',
  clientId: '',
  clientSecret: '',
  environment: CLOUD_DEFAULT,
  endpoints: {},
};

const FIELDS = {
  subscription_id: { kind: 'string', description: 'The subscription.' },
  tenant_id: { kind: 'string', description: 'The tenant.' },
  client_id: { kind: 'string', description: 'The application that makes others.' },
  client_secret: { kind: 'string', sensitive: true, description: 'Its password.' },
  environment: {
    kind: 'string',
    description: `The cloud: ${Object.keys(CLOUDS).join(', ')}.`,
  },
  custom_endpoint: {
    kind: 'string_map',
    description: `URLs in the place of Microsoft’s: ${APIS.join(', ')}.`,
  },
  root_password_ttl: {
    kind: 'duration_seconds',
    description: 'How long passwords that rotate-root makes are valid; 182 days without it.',
  },
} as const;

/** Not through the cache of decoded records: it holds a password. */
export async function findConfig(store: Reader): Promise<AzureConfig | undefined> {
  return await store.getJson<AzureConfig>(KEY);
}

export function putConfig(store: Transaction, config: AzureConfig): void {
  store.putJson(KEY, config);
}

/** @throws {RequestError} */
export async function configOf(store: Reader): Promise<AzureConfig> {
  const config = await findConfig(store);
  if (config === undefined) throw invalidRequest('no account is configured: write config');
  return config;
}

/** What Microsoft calls the API, in scopes of tokens. */
export function resourceOf({ environment }: AzureConfig, api: Api): string {
  return CLOUDS[environment]?.[api] ?? '';
}

export function endpointOf(config: AzureConfig, api: Api): string {
  return (config.endpoints[api] ?? resourceOf(config, api)).replace(/\/+$/, '');
}

/** @throws {RequestError} */
function check(config: AzureConfig): void {
  const ids = {
    subscription_id: config.subscriptionId,
    tenant_id: config.tenantId,
    client_id: config.clientId,
  };
  for (const [name, id] of Object.entries(ids)) {
    if (!ID.test(id)) throw invalidRequest(`${name} is missing or none`);
  }
  if (config.clientSecret === '') throw invalidRequest('client_secret is missing');
  if (config.rootPasswordSeconds !== undefined && config.rootPasswordSeconds < 1) {
    throw invalidRequest('root_password_ttl must be a second or more');
  }
  if (!Object.hasOwn(CLOUDS, config.environment)) {
    throw invalidRequest(`environment must be one of ${Object.keys(CLOUDS).join(', ')}`);
  }
  for (const [name, url] of Object.entries(config.endpoints)) {
    if (!(APIS as readonly string[]).includes(name)) {
      throw invalidRequest(`custom_endpoint may name ${APIS.join(', ')}`);
    }
    const protocol = URL.parse(url)?.protocol;
    if (protocol !== 'https:' && protocol !== 'http:') {
      throw invalidRequest('a custom_endpoint must begin with https:// or http://');
    }
  }
}

export function configPath(): Path {
  return definePath({
    pattern: 'config',
    fields: FIELDS,
    help: { synopsis: 'The application that makes others, and where Azure is.' },
    operations: {
      read: {
        summary: 'Read the settings',
        handler: async (_request, store) => {
          const config = await findConfig(store);
          if (config === undefined) return undefined;
          return {
            data: {
              subscription_id: config.subscriptionId,
              tenant_id: config.tenantId,
              client_id: config.clientId,
              environment: config.environment,
              custom_endpoint: config.endpoints,
              root_password_ttl: config.rootPasswordSeconds ?? ROOT_PASSWORD_SECONDS,
              ...(config.made === undefined
                ? {}
                : { root_password_expiration_date: new Date(config.made.endsMs).toISOString() }),
            },
          };
        },
      },
      update: {
        summary: 'Write the settings',
        handler: async ({ fields }, store) => {
          const before = (await findConfig(store)) ?? FRESH;
          const config: AzureConfig = {
            subscriptionId: fields.subscription_id ?? before.subscriptionId,
            tenantId: fields.tenant_id ?? before.tenantId,
            clientId: fields.client_id ?? before.clientId,
            clientSecret: fields.client_secret ?? before.clientSecret,
            environment: fields.environment ?? before.environment,
            endpoints: fields.custom_endpoint ?? before.endpoints,
            rootPasswordSeconds: fields.root_password_ttl ?? before.rootPasswordSeconds,
            // A password that is set by hand ends what was made here before.
            ...(fields.client_secret === undefined && fields.client_id === undefined
              ? { made: before.made, next: before.next }
              : {}),
          };
          check(config);
          putConfig(store, config);
          return undefined;
        },
      },
      delete: {
        summary: 'Forget the settings',
        handler: (_request, store) => {
          store.delete(KEY);
          return undefined;
        },
      },
    },
  });
}
