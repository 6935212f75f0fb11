/** `config/root`: the account that makes others, and where AWS is; `config/lease`: how long keys live. */
import { TemplateError } from '../../base/template/template.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';

const ROOT = 'config/root';
const LEASE = 'config/lease';
const TEXT_LENGTH_MAX = 4096;

export interface RootConfig {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly iamEndpoint: string;
  readonly stsEndpoint: string;
  readonly stsRegion: string;
  readonly usernameTemplate: string;
}

export interface LeaseConfig {
  readonly leaseSeconds: number;
  readonly leaseMaxSeconds: number;
}

export const USERNAME_FIELDS: readonly string[] = ['Type', 'DisplayName', 'PolicyName'];
export const DEFAULT_USERNAME_TEMPLATE =
  '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s" (unix_time) (random 20) | truncate 32 }}{{ else }}{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) | truncate 64 }}{{ end }}';

const FRESH: RootConfig = {
  accessKey: '',
  secretKey: '',
  region: '',
  iamEndpoint: '',
  stsEndpoint: '',
  stsRegion: '',
  usernameTemplate: '',
};

const ROOT_FIELDS = {
  access_key: { kind: 'string', description: 'Access key of the account that makes others.' },
  secret_key: { kind: 'string', sensitive: true, description: 'Its secret.' },
  region: { kind: 'string', description: 'Region; us-east-1 without it.' },
  iam_endpoint: { kind: 'string', description: 'URL of IAM in the place of Amazon’s.' },
  sts_endpoint: { kind: 'string', description: 'URL of STS in the place of Amazon’s.' },
  sts_region: { kind: 'string', description: 'Region of STS.' },
  username_template: { kind: 'string', description: 'Form of the names of users.' },
} as const;

/** Not through the cache of decoded records: it holds a key. */
export async function findRootConfig(store: Reader): Promise<RootConfig | undefined> {
  return await store.getJson<RootConfig>(ROOT);
}

/** @throws {RequestError} */
export async function rootConfigOf(store: Reader): Promise<RootConfig> {
  const config = await findRootConfig(store);
  if (config === undefined || config.accessKey === '' || config.secretKey === '') {
    throw invalidRequest('no access key is configured: write config/root');
  }
  return config;
}

export function putRootConfig(store: Transaction, config: RootConfig): void {
  store.putJson(ROOT, config);
}

export async function leaseConfigOf(store: Reader): Promise<LeaseConfig> {
  return (await store.getRecord<LeaseConfig>(LEASE)) ?? { leaseSeconds: 0, leaseMaxSeconds: 0 };
}

function check(config: RootConfig): void {
  if (Object.values(config).some((value: string) => value.length > TEXT_LENGTH_MAX)) {
    throw invalidRequest('a setting is too long');
  }
  if ((config.accessKey === '') !== (config.secretKey === '')) {
    throw invalidRequest('access_key and secret_key go together');
  }
  for (const [name, url] of [
    ['iam_endpoint', config.iamEndpoint],
    ['sts_endpoint', config.stsEndpoint],
  ] as const) {
    const protocol = URL.parse(url)?.protocol;
    if (url !== '' && protocol !== 'https:' && protocol !== 'http:') {
      throw invalidRequest(`${name} must begin with https:// or http://`);
    }
  }
  for (const region of [config.region, config.stsRegion]) {
    if (!/^[a-z0-9-]{0,64}$/.test(region)) throw invalidRequest('a region is none');
  }
  if (config.usernameTemplate === '') return;
  try {
    compileNameTemplate(config.usernameTemplate, USERNAME_FIELDS);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`username_template: ${error.message}`);
  }
}

export function rootConfigPath(): Path {
  return definePath({
    pattern: 'config/root',
    fields: ROOT_FIELDS,
    help: { synopsis: 'The account that makes others, and where AWS is.' },
    operations: {
      read: {
        summary: 'Read the settings',
        handler: async (_request, store) => {
          const config = await findRootConfig(store);
          if (config === undefined) return undefined;
          return {
            data: {
              access_key: config.accessKey,
              region: config.region,
              iam_endpoint: config.iamEndpoint,
              sts_endpoint: config.stsEndpoint,
              sts_region: config.stsRegion,
              username_template: config.usernameTemplate,
            },
          };
        },
      },
      update: {
        summary: 'Write the settings',
        handler: async ({ fields }, store) => {
          const before = (await findRootConfig(store)) ?? FRESH;
          const config: RootConfig = {
            accessKey: fields.access_key ?? before.accessKey,
            secretKey: fields.secret_key ?? before.secretKey,
            region: fields.region ?? before.region,
            iamEndpoint: fields.iam_endpoint ?? before.iamEndpoint,
            stsEndpoint: fields.sts_endpoint ?? before.stsEndpoint,
            stsRegion: fields.sts_region ?? before.stsRegion,
            usernameTemplate: fields.username_template ?? before.usernameTemplate,
          };
          check(config);
          putRootConfig(store, config);
          return undefined;
        },
      },
    },
  });
}

export function leaseConfigPath(): Path {
  return definePath({
    pattern: 'config/lease',
    fields: {
      lease: { kind: 'duration_seconds', description: 'How long access keys live.' },
      lease_max: { kind: 'duration_seconds', description: 'How long with renewals.' },
    },
    help: { synopsis: 'How long access keys live.' },
    operations: {
      read: {
        summary: 'Read how long',
        handler: async (_request, store) => {
          const config = await store.getRecord<LeaseConfig>(LEASE);
          if (config === undefined) return undefined;
          return { data: { lease: config.leaseSeconds, lease_max: config.leaseMaxSeconds } };
        },
      },
      update: {
        summary: 'Say how long',
        handler: ({ fields: { lease = 0, lease_max: leaseMax = 0 } }, store) => {
          if (lease === 0) throw invalidRequest("'lease' is a required parameter");
          if (leaseMax === 0) throw invalidRequest("'lease_max' is a required parameter");
          if (lease > leaseMax) throw invalidRequest("'lease' is longer than 'lease_max'");
          store.putJson(LEASE, { leaseSeconds: lease, leaseMaxSeconds: leaseMax });
          return undefined;
        },
      },
    },
  });
}
