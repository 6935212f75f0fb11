/** `config`: where the keys come from that sign the tokens, and what all tokens must be like. */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JsonObject } from '../../base/json.ts';
import { JWS_ALGORITHMS } from '../../crypto/jws.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { settingsPath } from '../entries.ts';
import { FetchError } from '../fetch-json.ts';
import type { KeySets, KeySource } from './key-sets.ts';

export interface JwtConfig {
  readonly bound_issuer: string;
  readonly default_role: string;
  readonly jwks_ca_pem: string;
  readonly jwks_url: string;
  readonly jwt_supported_algs: readonly string[];
  readonly jwt_validation_pubkeys: readonly string[];
  readonly namespace_in_state: boolean;
  readonly oidc_client_id: string;
  readonly oidc_client_secret: string;
  readonly oidc_discovery_ca_pem: string;
  readonly oidc_discovery_url: string;
  readonly oidc_response_mode: string;
  readonly oidc_response_types: readonly string[];
  readonly override_allowed_server_names: readonly string[];
  readonly provider_config: JsonObject;
}

const KEY = 'config';
/** Most public keys of one mount. */
const PUBLIC_KEYS_MAX = 64;

const text = (description: string): { kind: 'string'; description: string; default: string } => ({
  kind: 'string',
  description,
  default: '',
});

const fields = {
  bound_issuer: text('Issuer that tokens must name.'),
  default_role: text('Role of logins that name none.'),
  jwks_ca_pem: text('Certificates (PEM) that alone are trusted for jwks_url.'),
  jwks_url: text('Where the key set of the issuer is.'),
  jwt_supported_algs: {
    kind: 'comma_string_list',
    description: 'Signature algorithms that are accepted; all asymmetric ones without it.',
    default: [],
  },
  jwt_validation_pubkeys: {
    kind: 'comma_string_list',
    description: 'Public keys (PEM) that sign the tokens.',
    default: [],
  },
  namespace_in_state: {
    kind: 'bool',
    description: 'The namespace goes along in the state of browser logins.',
    default: true,
  },
  oidc_client_id: text('Client id at the OpenID provider, for browser logins.'),
  oidc_client_secret: {
    kind: 'string',
    description: 'Client secret at the OpenID provider.',
    sensitive: true,
  },
  oidc_discovery_ca_pem: text('Certificates (PEM) that alone are trusted for discovery.'),
  oidc_discovery_url: text('Issuer whose discovery document tells where its keys are.'),
  oidc_response_mode: text('How the provider answers browser logins: query or form_post.'),
  oidc_response_types: {
    kind: 'comma_string_list',
    description: 'Response types of browser logins.',
    default: [],
  },
  override_allowed_server_names: {
    kind: 'comma_string_list',
    description: 'Server names accepted in the certificates of the issuer.',
    default: [],
  },
  provider_config: {
    kind: 'map',
    description: 'Settings of particular providers.',
    default: {},
  },
} as const;

type Wish = Omit<JwtConfig, 'oidc_client_secret'> & {
  readonly oidc_client_secret?: string | undefined;
};

/** Not through the cache of decoded records: it may hold a client secret. */
export async function configOf(store: Reader): Promise<JwtConfig | undefined> {
  return await store.getJson<JwtConfig>(KEY);
}

/** Where keys are fetched from; undefined when the configuration has them itself. */
export function sourceOf(config: JwtConfig): KeySource | undefined {
  if (config.jwks_url !== '')
    return { kind: 'jwks', url: config.jwks_url, caPem: config.jwks_ca_pem };
  if (config.oidc_discovery_url !== '') {
    return {
      kind: 'discovery',
      url: config.oidc_discovery_url,
      caPem: config.oidc_discovery_ca_pem,
    };
  }
  return undefined;
}

export function publicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

async function check(config: JwtConfig, keySets: KeySets): Promise<void> {
  const sources = [
    config.jwt_validation_pubkeys.length > 0,
    config.jwks_url !== '',
    config.oidc_discovery_url !== '',
  ];
  if (sources.filter(Boolean).length !== 1) {
    throw invalidRequest(
      "exactly one of 'jwt_validation_pubkeys', 'jwks_url' or 'oidc_discovery_url' must be set",
    );
  }
  if ((config.oidc_client_id === '') !== (config.oidc_client_secret === '')) {
    throw invalidRequest("both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC");
  }
  if (config.oidc_client_id !== '' && config.oidc_discovery_url === '')
    throw invalidRequest("'oidc_discovery_url' must be set for OIDC");
  if (config.jwt_supported_algs.some((name) => !JWS_ALGORITHMS.includes(name)))
    throw invalidRequest('invalid jwt_supported_algs: unsupported signing algorithm');
  if (config.jwt_validation_pubkeys.length > PUBLIC_KEYS_MAX)
    throw invalidRequest(`at most ${PUBLIC_KEYS_MAX} public keys are allowed`);
  if (config.jwt_validation_pubkeys.some((pem) => publicKey(pem) === undefined)) {
    throw invalidRequest('error parsing public key: data does not contain any valid public keys');
  }
  const source = sourceOf(config);
  if (source === undefined) return;
  try {
    await keySets.check(source);
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    const what = source.kind === 'jwks' ? 'jwks' : 'oidc discovery';
    throw invalidRequest(`error checking ${what} URL`, { detail: error.message, cause: error });
  }
}

export function configPath(keySets: KeySets): Path {
  async function write(request: Request<Wish>, store: Transaction): Promise<undefined> {
    const before = await configOf(store);
    const { oidc_client_secret: secret, ...rest } = request.fields;
    // Left out, the secret stays as long as the client does.
    const kept = rest.oidc_client_id !== '' && before?.oidc_client_id === rest.oidc_client_id;
    const config: JwtConfig = {
      ...rest,
      oidc_client_secret: secret ?? (kept ? before.oidc_client_secret : ''),
    };
    await check(config, keySets);
    store.putJson(KEY, config);
  }

  return settingsPath({
    pattern: 'config',
    fields,
    synopsis: 'Says where the keys come from that sign the tokens.',
    async read(store) {
      const config = await configOf(store);
      if (config === undefined) return undefined;
      const { oidc_client_secret: _secret, ...shown } = config;
      return { ...shown, status: 'valid' };
    },
    write,
    outsideEffects: true,
  });
}
