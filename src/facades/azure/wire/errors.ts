/** Errors of Azure Key Vault: where each meets its status, code and shape. */
import { RequestError } from '../../../model/errors.ts';
import type { ErrorCode } from '../../../model/errors.ts';
import type { WireReply } from '../../facade.ts';

/** A failure in the protocol's own words. The message is public and repeats no value. */
export class AzureError extends RequestError {
  readonly status: number;
  readonly azureCode: string;
  readonly inner: string | undefined;

  constructor(
    status: number,
    azureCode: string,
    message: string,
    options: { readonly inner?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(codeOf(status), message, {
      wireCode: azureCode,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
    });
    this.status = status;
    this.azureCode = azureCode;
    this.inner = options.inner;
  }
}

/** What the audit record calls it. */
function codeOf(status: number): ErrorCode {
  if (status === 404) return 'not_found';
  if (status === 401 || status === 403) return 'permission_denied';
  if (status === 409) return 'precondition_failed';
  if (status === 501) return 'unsupported_operation';
  return status >= 500 ? 'internal' : 'invalid_request';
}

interface Row {
  readonly status: number;
  readonly code: string;
  readonly inner?: string;
}

const OF_CODE: Readonly<Record<ErrorCode, Row>> = {
  invalid_request: { status: 400, code: 'BadParameter' },
  permission_denied: { status: 403, code: 'Forbidden', inner: 'ForbiddenByPolicy' },
  not_found: { status: 404, code: 'NotFound' },
  unsupported_operation: { status: 405, code: 'MethodNotAllowed' },
  precondition_failed: { status: 409, code: 'Conflict' },
  body_too_large: { status: 413, code: 'RequestBodyTooLarge' },
  unsupported_media_type: { status: 415, code: 'UnsupportedMediaType' },
  rate_limited: { status: 429, code: 'Throttled' },
  lease_count_exceeded: { status: 429, code: 'Throttled' },
  sealed: { status: 503, code: 'ServiceUnavailable' },
  not_initialized: { status: 503, code: 'ServiceUnavailable' },
  audit_failed: { status: 500, code: 'InternalServerError' },
  unavailable: { status: 503, code: 'ServiceUnavailable' },
  upstream_failed: { status: 502, code: 'BadGateway' },
  internal: { status: 500, code: 'InternalServerError' },
};

const DENIED = 'Caller is not authorized to perform action on resource.';

export function azureErrorOf(error: RequestError): AzureError {
  if (error instanceof AzureError) return error;
  const { status, code, inner } = OF_CODE[error.code];
  const message = error.code === 'permission_denied' ? DENIED : error.message;
  return new AzureError(status, code, message === '' ? code : message, {
    ...(inner === undefined ? {} : { inner }),
    ...(error.headers === undefined ? {} : { headers: error.headers }),
  });
}

export type ObjectKind = 'secret' | 'key' | 'certificate';

const TITLE: Readonly<Record<ObjectKind, string>> = {
  secret: 'Secret',
  key: 'Key',
  certificate: 'Certificate',
};

export function objectNotFound(kind: ObjectKind, name: string): AzureError {
  return new AzureError(
    404,
    `${TITLE[kind]}NotFound`,
    `A ${kind} with (name/id) ${name} was not found in this key vault. If you recently deleted this ${kind} you may be able to recover it.`,
  );
}

export function deletedNotFound(kind: ObjectKind, name: string): AzureError {
  return new AzureError(404, `${TITLE[kind]}NotFound`, `Deleted ${TITLE[kind]} not found: ${name}`);
}

export function deletedButRecoverable(kind: ObjectKind, name: string): AzureError {
  return new AzureError(
    409,
    'Conflict',
    `${TITLE[kind]} ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the ${kind} can only be recovered or purged.`,
    { inner: 'ObjectIsDeletedButRecoverable' },
  );
}

export function alreadyExists(kind: ObjectKind, name: string): AzureError {
  return new AzureError(409, 'Conflict', `${TITLE[kind]} ${name} already exists.`);
}

export function disabled(kind: ObjectKind): AzureError {
  return new AzureError(403, 'Forbidden', `Operation get is not allowed on a disabled ${kind}.`, {
    inner: `${TITLE[kind]}Disabled`,
  });
}

export function badParameter(message: string): AzureError {
  return new AzureError(400, 'BadParameter', message);
}

export function notSupported(message: string): AzureError {
  return new AzureError(501, 'NotImplemented', message);
}

const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-cache',
  'Content-Type': 'application/json; charset=utf-8',
};

export function jsonReply(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): WireReply {
  return { status, headers: { ...HEADERS, ...headers }, body: JSON.stringify(body) };
}

export function errorReply(error: AzureError): WireReply {
  const { status, azureCode: code, message, inner, headers } = error;
  const innererror = inner === undefined ? {} : { innererror: { code: inner } };
  return jsonReply({ error: { code, message, ...innererror } }, status, headers);
}

/** Errors of the token endpoint (RFC 6749 §5.2), with the members that MSAL looks at. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function tokenErrorReply(error: TokenError): WireReply {
  return jsonReply(
    { error: error.code, error_description: error.message, error_codes: [] },
    error.status,
  );
}
