/** Which requests are Azure's. Stands apart from the facade, which is loaded when it first gets one. */
import type { WireRequest } from '../facade.ts';
import { isKeyVaultPath } from './wire/route.ts';

const SEGMENTS_LOOKED_AT = 8;
/** Behind the tenant. */
const AUTHORITY_PATHS: ReadonlySet<string> = new Set(['oauth2', 'discovery']);
const OPENID_DOCUMENT = '.well-known/openid-configuration';
const CLOUD_PATHS: ReadonlySet<string> = new Set([
  'metadata/endpoints',
  'subscriptions',
  'msi/token',
]);

/** By the path alone: objects of a vault, and what their clients ask of the authority and of the cloud. */
export function isAzure({ target }: WireRequest): boolean {
  const [path = ''] = target.split('?', 1);
  const segments = path.split('/', SEGMENTS_LOOKED_AT).filter((segment) => segment !== '');
  const joined = segments.join('/').toLowerCase();
  return (
    isKeyVaultPath(segments) ||
    AUTHORITY_PATHS.has(segments[1] ?? '') ||
    joined.endsWith(OPENID_DOCUMENT) ||
    CLOUD_PATHS.has(joined)
  );
}
