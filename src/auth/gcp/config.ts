/** `config`: which names of Google become aliases, and where its keys are. */
import type { JsonObject } from '../../base/json.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { FieldSet } from '../../model/field.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';

export interface GcpConfig {
  readonly iam_alias: string;
  readonly iam_metadata: readonly string[];
  readonly gce_alias: string;
  readonly gce_metadata: readonly string[];
  /** `api`: base URL of the keys. */
  readonly custom_endpoint: JsonObject;
}

const KEY = 'config';
export const GOOGLE_API = 'https://www.googleapis.com';
const IAM_METADATA: readonly string[] = [
  'project_id',
  'role',
  'service_account_id',
  'service_account_email',
];
const GCE_METADATA: readonly string[] = [
  'instance_creation_timestamp',
  'instance_id',
  'instance_name',
  'project_id',
  'project_number',
  'role',
  'service_account_id',
  'service_account_email',
  'zone',
];

const FRESH: GcpConfig = {
  iam_alias: 'role_id',
  iam_metadata: IAM_METADATA,
  gce_alias: 'role_id',
  gce_metadata: GCE_METADATA,
  custom_endpoint: {},
};

export async function configOf(store: Reader): Promise<GcpConfig> {
  return { ...FRESH, ...(await store.getRecord<GcpConfig>(KEY)) } as GcpConfig;
}

export function apiOf(config: GcpConfig): string {
  const { api } = config.custom_endpoint as { readonly api?: unknown };
  return typeof api === 'string' && api !== '' ? api.replace(/\/$/, '') : GOOGLE_API;
}

function metadataList(wanted: readonly string[], known: readonly string[]): readonly string[] {
  if (wanted.includes('default')) return known;
  if (wanted.some((name) => !known.includes(name)))
    throw invalidRequest('the metadata names something that is not known of a caller');
  return wanted;
}

async function write(request: Request, store: Transaction): Promise<undefined> {
  const merged: Record<string, unknown> = { ...(await configOf(store)) };
  for (const name of Object.keys(FRESH))
    if (request.fields[name] !== undefined) merged[name] = request.fields[name];
  const config = merged as unknown as GcpConfig;
  if (!['role_id', 'unique_id'].includes(config.iam_alias))
    throw invalidRequest('invalid iam_alias');
  if (!['role_id', 'instance_id'].includes(config.gce_alias))
    throw invalidRequest('invalid gce_alias');
  if (URL.parse(apiOf(config)) === null) throw invalidRequest('custom_endpoint is not a URL');
  store.putJson(KEY, {
    ...config,
    iam_metadata: metadataList(config.iam_metadata, IAM_METADATA),
    gce_metadata: metadataList(config.gce_metadata, GCE_METADATA),
  });
  return undefined;
}

export const configPath: Path = settingsPath<FieldSet>({
  pattern: 'config',
  fields: {
    credentials: {
      kind: 'string',
      description: 'Kept for compatibility: no API of Google is asked, and nothing is stored.',
      sensitive: true,
    },
    iam_alias: { kind: 'string', description: 'Alias of service accounts: role_id or unique_id.' },
    iam_metadata: { kind: 'comma_string_list', description: 'What goes into their metadata.' },
    gce_alias: { kind: 'string', description: 'Alias of machines: role_id or instance_id.' },
    gce_metadata: { kind: 'comma_string_list', description: 'What goes into their metadata.' },
    custom_endpoint: {
      kind: 'map',
      description: 'Where the keys of Google are: a base URL, under api.',
    },
  },
  synopsis: 'Says which names of Google become aliases.',
  read: async (store) => ({ ...(await configOf(store)) }),
  write,
});
