/** Cross-origin requests (the Fetch standard's CORS protocol), as `sys/config/cors` sets them. */
import { permissionDeniedOrigin } from './error-table.ts';
import type { WireReply, WireRequest } from '../facade.ts';
import { headerText } from './request-headers.ts';

export interface CorsSettings {
  readonly enabled: boolean;
  /** Exact origins, or only `*`. */
  readonly allowedOrigins: readonly string[];
  /** Every header that a preflight may be granted. */
  readonly allowedHeaders: readonly string[];
}

export const CORS_DISABLED: CorsSettings = {
  enabled: false,
  allowedOrigins: [],
  allowedHeaders: [],
};

const ALLOWED_METHODS: readonly string[] = [
  'DELETE',
  'GET',
  'OPTIONS',
  'POST',
  'PUT',
  'LIST',
  'SCAN',
];
const PREFLIGHT_AGE_SECONDS = 300;

export interface CorsDecision {
  /** Headers for the reply to the request itself. */
  readonly headers: Readonly<Record<string, string>>;
  /** Set when the request ends here: a preflight or a refused origin. */
  readonly reply?: WireReply;
}

/** What CORS says about a request; undefined when it has nothing to say. Only browsers make it ask for the settings. */
export async function decideCors(
  request: WireRequest,
  settingsInForce: () => CorsSettings | Promise<CorsSettings>,
): Promise<CorsDecision | undefined> {
  const origin = headerText(request.headers, 'origin');
  if (origin === '') return undefined;
  const settings = await settingsInForce();
  if (!settings.enabled) return undefined;
  if (!settings.allowedOrigins.includes('*') && !settings.allowedOrigins.includes(origin)) {
    return { headers: {}, reply: permissionDeniedOrigin() };
  }
  const headers = { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' };
  if (request.method !== 'OPTIONS') return { headers };
  const method = headerText(request.headers, 'access-control-request-method');
  if (!ALLOWED_METHODS.includes(method)) {
    return {
      headers: {},
      reply: { status: 405, headers: { 'Cache-Control': 'no-store' }, body: '' },
    };
  }
  return {
    headers,
    reply: {
      status: 200,
      headers: {
        'Cache-Control': 'no-store',
        ...headers,
        'Access-Control-Allow-Methods': ALLOWED_METHODS.join(','),
        'Access-Control-Allow-Headers': settings.allowedHeaders.join(','),
        'Access-Control-Max-Age': String(PREFLIGHT_AGE_SECONDS),
      },
      body: '',
    },
  };
}
