/** `config`: where the keys come from that sign the tokens, and what all tokens must be like. */
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { JWS_ALGORITHMS } from '../../crypto/jws.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';
import { publicKey } from '../public-key.ts';
import { FetchError } from '../fetch-json.ts';
import { checkGroupSource, shownGroupSource } from './group-sources.ts';
import type { KeySets, KeySource } from '../key-sets.ts';
import type { Reply } from '../../model/reply.ts';

interface KeyPair {
  readonly jwks_url: string;
  readonly jwks_ca_pem: string;
}

export interface JwtConfig {
  readonly bound_issuer: string;
  readonly default_role: string;
  readonly jwks_ca_pem: string;
  readonly jwks_pairs?: readonly KeyPair[];
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
  default_role: {
    kind: 'lower_string',
    description: 'Role of logins that name none.',
    default: '',
  },
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
  },
  jwks_pairs: {
    kind: 'list',
    description: 'Several key sets: objects with jwks_url and jwks_ca_pem.',
    default: [],
  },
  skip_jwks_validation: {
    kind: 'bool',
    description: 'A source of keys that does not answer now is a warning only.',
    default: false,
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

type Wish = Omit<JwtConfig, 'oidc_client_secret' | 'jwks_pairs' | 'namespace_in_state'> & {
  readonly oidc_client_secret?: string | undefined;
  readonly jwks_pairs: readonly JsonValue[];
  readonly namespace_in_state?: boolean | undefined;
  readonly skip_jwks_validation: boolean;
};

/** Not through the cache of decoded records: it may hold a client secret. */
export async function configOf(store: Reader): Promise<JwtConfig | undefined> {
  return await store.getJson<JwtConfig>(KEY);
}

/** The issuer of a configuration that names one by its discovery URL. */
export function issuerOf(config: Stored<JwtConfig>): KeySource | undefined {
  if (config.oidc_discovery_url === '') return undefined;
  const names = config.override_allowed_server_names;
  return {
    kind: 'discovery',
    url: config.oidc_discovery_url,
    caPem: config.oidc_discovery_ca_pem,
    ...(names.length === 0 ? {} : { serverNames: names }),
  };
}

/** Where keys are fetched from; none when the configuration has them itself. */
export function sourcesOf(config: Stored<JwtConfig>): readonly KeySource[] {
  if (config.jwks_url !== '')
    return [{ kind: 'jwks', url: config.jwks_url, caPem: config.jwks_ca_pem }];
  const pairs = config.jwks_pairs ?? [];
  if (pairs.length > 0)
    return pairs.map((pair) => ({ kind: 'jwks', url: pair.jwks_url, caPem: pair.jwks_ca_pem }));
  const issuer = issuerOf(config);
  return issuer === undefined ? [] : [issuer];
}

/** Browser logins need to know the provider and a client there. */
export function isForBrowsers(config: JwtConfig): boolean {
  return config.oidc_discovery_url !== '' && config.oidc_client_id !== '';
}

function checkBrowserSettings(config: JwtConfig): void {
  if (config.oidc_response_types.some((type) => type !== 'code' && type !== 'id_token'))
    throw invalidRequest("invalid response_types. 'code' and 'id_token' are allowed");
  const mode = config.oidc_response_mode;
  if (mode !== '' && mode !== 'query' && mode !== 'form_post')
    throw invalidRequest('invalid response_mode');
  if (mode !== 'form_post' && config.oidc_response_types.includes('id_token'))
    throw invalidRequest('query response_mode may not be used with an id_token response_type');
}

function check(config: JwtConfig): void {
  const sources = [
    config.jwt_validation_pubkeys.length > 0,
    config.jwks_url !== '',
    (config.jwks_pairs ?? []).length > 0,
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
  if (config.oidc_discovery_url.includes('.well-known/openid-configuration'))
    throw invalidRequest("'oidc_discovery_url' contains '.well-known' component");
  if (config.jwt_supported_algs.some((name) => !JWS_ALGORITHMS.includes(name)))
    throw invalidRequest('invalid jwt_supported_algs: unsupported signing algorithm');
  if (config.jwt_validation_pubkeys.length > PUBLIC_KEYS_MAX)
    throw invalidRequest(`at most ${PUBLIC_KEYS_MAX} public keys are allowed`);
  if (config.jwt_validation_pubkeys.some((pem) => publicKey(pem) === undefined)) {
    throw invalidRequest('error parsing public key: data does not contain any valid public keys');
  }
  checkBrowserSettings(config);
  checkGroupSource(config.provider_config);
}

/** Looks at each source of keys. @throws {RequestError} when one does not answer as it should */
async function look(config: Stored<JwtConfig>, keySets: KeySets, mayFail: boolean): Promise<Reply> {
  const warnings: string[] = [];
  for (const source of sourcesOf(config)) {
    try {
      await keySets.check(source);
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      const what = source.kind === 'jwks' ? 'jwks' : 'oidc discovery';
      const fault = `error checking ${what} URL`;
      if (!mayFail) throw invalidRequest(fault, { detail: error.message, cause: error });
      warnings.push(fault);
    }
  }
  return { warnings };
}

function pairsOf(list: readonly JsonValue[]): readonly KeyPair[] {
  if (list.length > PUBLIC_KEYS_MAX)
    throw invalidRequest(`at most ${PUBLIC_KEYS_MAX} key sets are allowed`);
  return list.map((each) => {
    const { jwks_url: url, jwks_ca_pem: ca = '' } = isJsonObject(each) ? each : {};
    if (typeof url !== 'string' || url === '' || typeof ca !== 'string')
      throw invalidRequest("each of 'jwks_pairs' needs a 'jwks_url'");
    return { jwks_url: url, jwks_ca_pem: ca };
  });
}

export function configPath(keySets: KeySets): Path {
  async function write(request: Request<Wish>, store: Transaction): Promise<Reply | undefined> {
    const before = await configOf(store);
    const {
      oidc_client_secret: secret,
      jwks_pairs: pairs,
      namespace_in_state: inState,
      skip_jwks_validation: mayFail,
      ...rest
    } = request.fields;
    // Left out, the secret stays as long as the client does.
    const kept = rest.oidc_client_id !== '' && before?.oidc_client_id === rest.oidc_client_id;
    const config: JwtConfig = {
      ...rest,
      namespace_in_state: inState ?? before?.namespace_in_state ?? true,
      oidc_client_secret: secret ?? (kept ? before.oidc_client_secret : ''),
      ...(pairs.length === 0 ? {} : { jwks_pairs: pairsOf(pairs) }),
    };
    check(config);
    const reply = await look(config, keySets, mayFail);
    store.putJson(KEY, config);
    return (reply.warnings ?? []).length > 0 ? reply : undefined;
  }

  /** Whether the keys can be had now: a configuration may have been kept although they could not. */
  async function statusOf(config: Stored<JwtConfig>): Promise<'valid' | 'invalid'> {
    const { warnings } = await look(config, keySets, true);
    return warnings === undefined || warnings.length === 0 ? 'valid' : 'invalid';
  }

  return settingsPath({
    pattern: 'config',
    fields,
    synopsis: 'Says where the keys come from that sign the tokens.',
    async read(store) {
      const config = await configOf(store);
      if (config === undefined) return undefined;
      const { oidc_client_secret: _secret, ...shown } = config;
      return {
        ...shown,
        provider_config: shownGroupSource(config.provider_config),
        status: await statusOf(config),
      };
    },
    write,
    outsideEffects: true,
  });
}
