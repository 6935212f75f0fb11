/** `config/client` and `config/identity`: how AWS is asked, and which of its names become aliases. */
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { FieldSet } from '../../model/field.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';

export interface ClientConfig {
  readonly access_key: string;
  readonly endpoint: string;
  readonly iam_endpoint: string;
  readonly sts_endpoint: string;
  readonly sts_region: string;
  readonly use_sts_region_from_client: boolean;
  readonly iam_server_id_header_value: string;
  readonly allowed_sts_header_values: readonly string[];
  readonly max_retries: number;
}

export interface AwsConfig extends ClientConfig {
  readonly secret_key: string;
}

const CLIENT = 'config/client';
const IDENTITY = 'config/identity';
const LIST_MAX = 64;

const FRESH: AwsConfig = {
  access_key: '',
  secret_key: '',
  endpoint: '',
  iam_endpoint: '',
  sts_endpoint: '',
  sts_region: '',
  use_sts_region_from_client: false,
  iam_server_id_header_value: '',
  allowed_sts_header_values: [],
  max_retries: -1,
};

const FIELDS: FieldSet = {
  access_key: { kind: 'string', description: 'Access key with which principals are resolved.' },
  secret_key: { kind: 'string', description: 'Its secret key.', sensitive: true },
  endpoint: { kind: 'string', description: 'Kept for compatibility: EC2 is not asked.' },
  iam_endpoint: { kind: 'string', description: 'URL of IAM; that of AWS without it.' },
  sts_endpoint: { kind: 'string', description: 'URL of STS; that which the caller signed for.' },
  sts_region: { kind: 'string', description: 'Region of sts_endpoint that callers must sign for.' },
  use_sts_region_from_client: {
    kind: 'bool',
    description: 'Kept for compatibility: without sts_endpoint, the caller’s region is asked.',
  },
  iam_server_id_header_value: {
    kind: 'string',
    description: 'What the signed header X-Vault-AWS-IAM-Server-ID of logins must say.',
  },
  allowed_sts_header_values: {
    kind: 'comma_string_list',
    description: 'Further signed headers that are passed on to STS.',
  },
  max_retries: { kind: 'int', description: 'Kept for compatibility.' },
};

/** Not through the cache of decoded records: it holds a key. */
export async function configOf(store: Reader): Promise<AwsConfig> {
  return { ...FRESH, ...(await store.getJson<AwsConfig>(CLIENT)) };
}

function isUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.search === '';
}

async function writeClient(request: Request, store: Transaction): Promise<undefined> {
  const config: Record<string, unknown> = { ...(await configOf(store)) };
  for (const name of Object.keys(FRESH))
    if (request.fields[name] !== undefined) config[name] = request.fields[name];
  const { iam_endpoint: iam, sts_endpoint: sts, ...rest } = config as unknown as AwsConfig;
  for (const url of [iam, sts])
    if (url !== '' && !isUrl(url)) throw invalidRequest('an endpoint is not a URL');
  if (rest.allowed_sts_header_values.length > LIST_MAX)
    throw invalidRequest(`at most ${LIST_MAX} headers are allowed`);
  if (rest.sts_region !== '' && sts === '')
    throw invalidRequest('sts_endpoint must be set with sts_region');
  store.putJson(CLIENT, config);
  return undefined;
}

export interface IdentityConfig {
  readonly iam_alias: string;
  readonly iam_metadata: readonly string[];
  readonly ec2_alias: string;
  readonly ec2_metadata: readonly string[];
}

const ALIASES: readonly string[] = ['role_id', 'unique_id', 'canonical_arn', 'full_arn'];
const EC2_ALIASES: readonly string[] = ['role_id', 'instance_id', 'image_id'];
const USUAL_METADATA: readonly string[] = ['account_id', 'auth_type'];
const METADATA: readonly string[] = [
  ...USUAL_METADATA,
  'canonical_arn',
  'client_arn',
  'client_user_id',
];

const FRESH_IDENTITY: IdentityConfig = {
  iam_alias: 'role_id',
  iam_metadata: USUAL_METADATA,
  ec2_alias: 'role_id',
  ec2_metadata: USUAL_METADATA,
};

export async function identityOf(store: Reader): Promise<Stored<IdentityConfig>> {
  return (await store.getRecord<IdentityConfig>(IDENTITY)) ?? FRESH_IDENTITY;
}

async function writeIdentity(request: Request, store: Transaction): Promise<undefined> {
  const before = await identityOf(store);
  const sent = request.fields as {
    readonly iam_alias?: string;
    readonly iam_metadata?: readonly string[];
    readonly ec2_alias?: string;
  };
  const wanted = sent.iam_metadata ?? before.iam_metadata;
  const metadata = wanted.includes('default') ? USUAL_METADATA : wanted;
  const alias = sent.iam_alias ?? before.iam_alias;
  const ec2 = sent.ec2_alias ?? before.ec2_alias;
  if (!ALIASES.includes(alias)) throw invalidRequest('invalid iam_alias');
  if (!EC2_ALIASES.includes(ec2)) throw invalidRequest('invalid ec2_alias');
  if (metadata.some((name) => !METADATA.includes(name)))
    throw invalidRequest('iam_metadata names something that is not known of a caller');
  store.putJson(IDENTITY, {
    ...before,
    iam_alias: alias,
    iam_metadata: metadata,
    ec2_alias: ec2,
  });
  return undefined;
}

export const configPaths: readonly Path[] = [
  settingsPath<FieldSet>({
    pattern: 'config/client',
    fields: FIELDS,
    synopsis: 'Says how AWS is asked who a caller is.',
    async read(store) {
      if ((await store.getJson(CLIENT)) === undefined) return undefined;
      const { secret_key: _secret, ...shown } = await configOf(store);
      return shown;
    },
    write: writeClient,
    remove: (store) => store.delete(CLIENT),
  }),
  settingsPath<FieldSet>({
    pattern: 'config/identity',
    fields: {
      iam_alias: {
        kind: 'string',
        description: 'What identifies a caller: role_id, unique_id, canonical_arn or full_arn.',
      },
      iam_metadata: { kind: 'comma_string_list', description: 'What goes into the metadata.' },
      ec2_alias: { kind: 'string', description: 'Kept for compatibility.' },
      ec2_metadata: { kind: 'comma_string_list', description: 'Kept for compatibility.' },
    },
    synopsis: 'Says which names of AWS become aliases.',
    read: async (store) => ({ ...(await identityOf(store)) }),
    write: writeIdentity,
  }),
];
