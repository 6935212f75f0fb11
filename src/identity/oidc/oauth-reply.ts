/** Answers of the OpenID provider: bare JSON, and errors in OAuth's own shape (RFC 6749 §5.2, OpenID Connect Core 1.0 §3.1.2.6). */
import type { Reply } from '../../model/reply.ts';

/** Why a request was refused; the description is public. */
export interface OauthError {
  readonly error: string;
  readonly description: string;
}

/** Thrown by the steps of an endpoint and turned into its answer at its end: what was written until then stays written. */
export class OauthRefusal extends Error implements OauthError {
  override readonly name = 'OauthRefusal';
  readonly error: string;
  readonly description: string;
  constructor(error: string, description: string) {
    super(description);
    this.error = error;
    this.description = description;
  }
}

/** The answer of `make`, or of what it refuses with. */
export async function answered(
  make: () => Promise<Reply>,
  refused: (error: OauthError) => Reply,
): Promise<Reply> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof OauthRefusal) return refused(error);
    throw error;
  }
}

/** The answer of the authorization endpoint to who may not pass. */
export function authorizeError({ error, description }: OauthError, state: string): Reply {
  return {
    bare: true,
    status: 400,
    data: { error, error_description: description, state },
  };
}

/** RFC 6749 §5.1: nobody keeps an answer with a token in it. */
export const TOKEN_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
};

export function tokenError({ error, description }: OauthError): Reply {
  const unknownClient = error === 'invalid_client';
  return {
    bare: true,
    status: unknownClient ? 401 : 400,
    data: { error, error_description: description },
    headers: unknownClient ? { ...TOKEN_HEADERS, 'WWW-Authenticate': 'Basic' } : TOKEN_HEADERS,
  };
}

const USER_INFO_STATUS: ReadonlyMap<string, number> = new Map([
  ['invalid_request', 400],
  ['invalid_token', 401],
  ['access_denied', 403],
]);

/** RFC 6750 §3. */
export function userInfoError({ error, description }: OauthError): Reply {
  const told = error === 'invalid_request' || error === 'invalid_token';
  return {
    bare: true,
    status: USER_INFO_STATUS.get(error) ?? 400,
    data: { error, error_description: description },
    ...(told && {
      headers: {
        'WWW-Authenticate': `Bearer error="${error}",error_description="${description}"`,
      },
    }),
  };
}
