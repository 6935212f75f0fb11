/** Where an error code meets its HTTP status in the Vault protocol, and the shape of an error there. */
import type { ErrorCode, RequestError } from '../../model/errors.ts';
import type { WireReply } from '../facade.ts';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  permission_denied: 403,
  not_found: 404,
  unsupported_operation: 405,
  // A failed check-and-set is a bad request here; 412 belongs to replication.
  precondition_failed: 400,
  body_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  lease_count_exceeded: 429,
  sealed: 503,
  not_initialized: 503,
  audit_failed: 500,
  unavailable: 503,
  upstream_failed: 502,
  internal: 500,
};

/** Texts that the reference collects in Go's multierror, whose form tools match on. */
const COLLECTED: ReadonlySet<string> = new Set(['unsupported path', 'unsupported operation']);

export const JSON_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Type': 'application/json',
};

const STATUS_HEADERS: Readonly<Record<string, string>> = { 'Cache-Control': 'no-store' };

/** Go's multierror with one entry. */
export function collected(message: string): string {
  return `1 error occurred:\n\t* ${message}\n\n`;
}

/** `{"errors":[…]}` with this status; an empty message gives an empty list. */
export function errorReply(status: number, message: string): WireReply {
  const errors = message === '' ? [] : [message];
  return { status, headers: JSON_HEADERS, body: `${JSON.stringify({ errors })}\n` };
}

export function renderError(error: RequestError): WireReply {
  if (error.statusOnly) return { status: STATUS[error.code], headers: STATUS_HEADERS, body: '' };
  if (error.page !== undefined) {
    return {
      status: error.vaultStatus ?? STATUS[error.code],
      headers: { ...STATUS_HEADERS, ...error.headers, 'Content-Type': error.page.contentType },
      body: error.page.body,
    };
  }
  const message = COLLECTED.has(error.message) ? collected(error.message) : error.message;
  const errors = message === '' ? [] : [message];
  const body = error.body ?? (error.data === undefined ? { errors } : { errors, data: error.data });
  return {
    status: error.vaultStatus ?? STATUS[error.code],
    headers: error.headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...error.headers },
    body: `${JSON.stringify(body)}\n`,
  };
}

export function permissionDeniedOrigin(): WireReply {
  return errorReply(403, 'origin not allowed');
}
