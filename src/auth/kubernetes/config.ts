/** `config`: which API server reviews tokens, and with whose rights. */
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';
import { publicKey } from '../public-key.ts';

export interface KubernetesConfig {
  readonly kubernetes_host: string;
  readonly kubernetes_ca_cert: string;
  readonly token_reviewer_jwt: string;
  readonly pem_keys: readonly string[];
  readonly issuer: string;
  readonly disable_iss_validation: boolean;
  readonly disable_local_ca_jwt: boolean;
  /** Tokens are judged by the keys that the issuer publishes there, without a review; '' = they are reviewed. */
  readonly issuer_discovery_url?: string;
  readonly issuer_ca_pem?: string;
}

const KEY = 'config';
/** Most public keys of one mount. */
const PUBLIC_KEYS_MAX = 64;

const fields = {
  kubernetes_host: { kind: 'string', description: 'URL of the API server.', default: '' },
  kubernetes_ca_cert: {
    kind: 'string',
    description: 'Certificates (PEM) that alone are trusted for the API server.',
    default: '',
  },
  token_reviewer_jwt: {
    kind: 'string',
    description: 'Token with which reviews are asked for; the caller’s own without it.',
    sensitive: true,
  },
  pem_keys: {
    kind: 'comma_string_list',
    description: 'Public keys (PEM), one of which must have signed the token.',
    default: [],
  },
  issuer: { kind: 'string', description: 'Issuer that tokens must name.', default: '' },
  disable_iss_validation: {
    kind: 'bool',
    description: 'The issuer is not looked at.',
    default: true,
  },
  issuer_discovery_url: {
    kind: 'string',
    description:
      'Issuer of the cluster: its published keys judge tokens, and no review is asked for.',
    default: '',
  },
  issuer_ca_pem: {
    kind: 'string',
    description: 'Certificates (PEM) that alone are trusted for the issuer.',
    default: '',
  },
  disable_local_ca_jwt: {
    kind: 'bool',
    description: 'Certificates and token of the pod that this server runs in are not used.',
    default: false,
  },
} as const;

/** Not through the cache of decoded records: it holds a token. */
export async function configOf(store: Reader): Promise<KubernetesConfig | undefined> {
  return await store.getJson<KubernetesConfig>(KEY);
}

type Wish = Required<Omit<KubernetesConfig, 'token_reviewer_jwt'>> & {
  readonly token_reviewer_jwt?: string | undefined;
};

/** A file of the pod that this server runs in; undefined outside of one. */
type LocalFile = (file: 'ca.crt') => Promise<string | undefined>;

async function write(
  request: Request<Wish>,
  store: Transaction,
  local: LocalFile,
): Promise<undefined> {
  const { issuer_discovery_url: url, issuer_ca_pem: ca, ...rest } = request.fields;
  const config: KubernetesConfig = {
    ...rest,
    ...(url === '' ? {} : { issuer_discovery_url: url, issuer_ca_pem: ca }),
    token_reviewer_jwt: request.fields.token_reviewer_jwt ?? '',
  };
  if (config.kubernetes_host === '') throw invalidRequest('no host provided');
  if (URL.parse(config.kubernetes_host) === null)
    throw invalidRequest('kubernetes_host is not a URL');
  if (url !== '' && URL.parse(url) === null)
    throw invalidRequest('issuer_discovery_url is not a URL');
  if (config.disable_local_ca_jwt && config.kubernetes_ca_cert === '') {
    throw invalidRequest('kubernetes_ca_cert must be given when disable_local_ca_jwt is true');
  }
  if (config.pem_keys.length > PUBLIC_KEYS_MAX)
    throw invalidRequest(`at most ${PUBLIC_KEYS_MAX} public keys are allowed`);
  if (config.pem_keys.some((pem) => publicKey(pem) === undefined))
    throw invalidRequest('data does not contain any valid public keys');
  const isAlone = config.kubernetes_ca_cert === '' && url === '';
  if (isAlone && (await local('ca.crt')) === undefined) {
    throw invalidRequest(
      'kubernetes_ca_cert must be given outside of a pod: there is no local one',
    );
  }
  store.putJson(KEY, config);
}

export function configPath(local: LocalFile): Path {
  return settingsPath({
    pattern: 'config',
    fields,
    synopsis: 'Says which API server reviews the tokens.',
    async read(store) {
      const config = await configOf(store);
      if (config === undefined) return undefined;
      const { token_reviewer_jwt: reviewer, ...shown } = config;
      return { ...shown, token_reviewer_jwt_set: reviewer !== '' };
    },
    write: (request, store) => write(request, store, local),
  });
}
