/** The metadata of our token endpoint (OpenID Connect Discovery), and the signing keys, of which there are none: tokens are opaque. */
import type { WireReply } from '../../facade.ts';
import { jsonReply } from '../wire/errors.ts';

const WELL_KNOWN = ['.well-known', 'openid-configuration'];

/** True for `/{tenant}[/v2.0]/.well-known/openid-configuration`; az also tries one with the tenant twice. */
export function isDiscovery(segments: readonly string[]): boolean {
  const tail = segments.slice(-2);
  return segments.length >= 3 && segments.length <= 5 && tail.join('/') === WELL_KNOWN.join('/');
}

export function discoveryReply(host: string, segments: readonly string[]): WireReply {
  const tenant = segments[0] ?? '';
  const version = segments.includes('v2.0') ? 'v2.0/' : '';
  const root = `https://${host}/${tenant}`;
  return jsonReply({
    issuer: version === '' ? root : `${root}/v2.0`,
    authorization_endpoint: `${root}/oauth2/${version}authorize`,
    token_endpoint: `${root}/oauth2/${version}token`,
    jwks_uri: `${root}/discovery/${version}keys`,
    response_types_supported: ['token'],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
  });
}

/** `/{tenant}/discovery[/v2.0]/keys` */
export function isKeySet(segments: readonly string[]): boolean {
  return segments[1] === 'discovery' && segments.at(-1) === 'keys' && segments.length <= 4;
}

export function keySetReply(): WireReply {
  return jsonReply({ keys: [] });
}

/** `/common/discovery/instance`: Microsoft's libraries ask it whether an authority is known. */
export function isInstanceDiscovery(segments: readonly string[]): boolean {
  return segments.join('/') === 'common/discovery/instance';
}

export function instanceReply(host: string, query: ReadonlyMap<string, string>): WireReply {
  const asked = query.get('authorization_endpoint') ?? '';
  const tenant = /^https:\/\/[^/]+\/([\w.-]{1,64})\//.exec(asked)?.[1] ?? 'common';
  return jsonReply({
    tenant_discovery_endpoint: `https://${host}/${tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  });
}
