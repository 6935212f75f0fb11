/**
 * Errors that a caller may see. A code says what happened; each protocol's facade maps codes to its own status and shape.
 * `message` is public; `detail` goes to the log only.
 */
import type { RawReply } from './reply.ts';

export type ErrorCode =
  | 'invalid_request'
  | 'permission_denied'
  | 'not_found'
  | 'unsupported_operation'
  | 'precondition_failed'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'lease_count_exceeded'
  | 'sealed'
  | 'not_initialized'
  | 'audit_failed'
  | 'unavailable'
  | 'upstream_failed'
  | 'internal';

export type ErrorData = Readonly<Record<string, unknown>> | readonly unknown[];

export interface RequestErrorOptions {
  /** For the log only. Never a secret. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** Data that goes with the error (Vault answers some failures with `errors` and `data`). */
  readonly data?: ErrorData;
  /** Exactly this HTTP status in the Vault protocol, where its contract breaks its own rule. */
  readonly vaultStatus?: number;
  /** The Vault protocol answers this with the status alone. */
  readonly statusOnly?: boolean;
  /** The Vault protocol answers with this body instead of its own, where the path follows another standard. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** A login was refused for its credentials: it counts towards the user's lockout. */
  readonly invalidCredentials?: boolean;
  /** Why, in a fixed word that a facade maps to an error of its own protocol (`unknown_credential`, `bad_signature` …). */
  readonly reason?: string;
  /** The name that the caller's protocol has for it (`ResourceNotFoundException`), for the audit record. */
  readonly wireCode?: string;
  /** What a browser sees in place of the errors: a login that ends in one. */
  readonly page?: RawReply;
  /** Further headers of the reply, e.g. `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** False: the request left no trace but its audit record, so that a use of a limited token is still counted. */
  readonly warnings?: readonly string[];
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly data: ErrorData | undefined;
  readonly vaultStatus: number | undefined;
  readonly statusOnly: boolean;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly warnings: readonly string[] | undefined;
  readonly invalidCredentials: boolean;
  readonly reason: string | undefined;
  readonly wireCode: string | undefined;
  readonly page: RawReply | undefined;

  constructor(code: ErrorCode, message: string, options: RequestErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.data = options.data;
    this.vaultStatus = options.vaultStatus;
    this.statusOnly = options.statusOnly ?? false;
    this.body = options.body;
    this.headers = options.headers;
    this.warnings = options.warnings;
    this.invalidCredentials = options.invalidCredentials ?? false;
    this.reason = options.reason;
    this.wireCode = options.wireCode;
    this.page = options.page;
  }
}

/** 400: the request is wrong; the text says how, and never repeats a submitted value. */
export function invalidRequest(message: string, options?: RequestErrorOptions): RequestError {
  return new RequestError('invalid_request', message, options);
}

/** 403, always with the same public text. */
export function permissionDenied(detail?: string): RequestError {
  return new RequestError(
    'permission_denied',
    'permission denied',
    detail === undefined ? {} : { detail },
  );
}

/** 404. Without a message the Vault protocol answers `{"errors":[]}`. */
export function notFound(message = ''): RequestError {
  return new RequestError('not_found', message);
}

/** 405 for a path that exists but does not do this; 404 `unsupported path` is {@link notFound}'s. */
export function unsupportedOperation(message = 'unsupported operation'): RequestError {
  return new RequestError('unsupported_operation', message);
}

/** 401 in the words of RFC 6750 §3, for paths whose callers are OAuth clients. */
export function bearerRefusal({ detail, cause }: RequestError): RequestError {
  const [error, text] = ['invalid_token', 'permission denied'];
  return new RequestError('permission_denied', text, {
    ...(detail !== undefined && { detail }),
    cause,
    vaultStatus: 401,
    body: { error, error_description: text },
    headers: { 'WWW-Authenticate': `Bearer error="${error}",error_description="${text}"` },
  });
}
