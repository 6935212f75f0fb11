/** Where an error meets its gRPC status and its HTTP status (google.rpc.Code). */
import { RequestError } from '../../../model/errors.ts';
import type { ErrorCode } from '../../../model/errors.ts';

export type StatusName =
  | 'OK'
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

export const STATUSES: Readonly<
  Record<StatusName, { readonly grpc: number; readonly http: number }>
> = {
  OK: { grpc: 0, http: 200 },
  CANCELLED: { grpc: 1, http: 499 },
  UNKNOWN: { grpc: 2, http: 500 },
  INVALID_ARGUMENT: { grpc: 3, http: 400 },
  DEADLINE_EXCEEDED: { grpc: 4, http: 504 },
  NOT_FOUND: { grpc: 5, http: 404 },
  ALREADY_EXISTS: { grpc: 6, http: 409 },
  PERMISSION_DENIED: { grpc: 7, http: 403 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429 },
  FAILED_PRECONDITION: { grpc: 9, http: 400 },
  ABORTED: { grpc: 10, http: 409 },
  UNIMPLEMENTED: { grpc: 12, http: 501 },
  INTERNAL: { grpc: 13, http: 500 },
  UNAVAILABLE: { grpc: 14, http: 503 },
  UNAUTHENTICATED: { grpc: 16, http: 401 },
};

const OF_CODE: Readonly<Record<ErrorCode, StatusName>> = {
  invalid_request: 'INVALID_ARGUMENT',
  permission_denied: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  unsupported_operation: 'UNIMPLEMENTED',
  precondition_failed: 'FAILED_PRECONDITION',
  body_too_large: 'INVALID_ARGUMENT',
  unsupported_media_type: 'INVALID_ARGUMENT',
  rate_limited: 'RESOURCE_EXHAUSTED',
  lease_count_exceeded: 'RESOURCE_EXHAUSTED',
  sealed: 'UNAVAILABLE',
  not_initialized: 'UNAVAILABLE',
  audit_failed: 'INTERNAL',
  unavailable: 'UNAVAILABLE',
  upstream_failed: 'UNAVAILABLE',
  internal: 'INTERNAL',
};

/** What the audit record calls it. */
const CODES: Readonly<Record<StatusName, ErrorCode>> = {
  OK: 'internal',
  CANCELLED: 'unavailable',
  UNKNOWN: 'internal',
  INVALID_ARGUMENT: 'invalid_request',
  DEADLINE_EXCEEDED: 'unavailable',
  NOT_FOUND: 'not_found',
  ALREADY_EXISTS: 'precondition_failed',
  PERMISSION_DENIED: 'permission_denied',
  RESOURCE_EXHAUSTED: 'rate_limited',
  FAILED_PRECONDITION: 'precondition_failed',
  ABORTED: 'precondition_failed',
  UNIMPLEMENTED: 'unsupported_operation',
  INTERNAL: 'internal',
  UNAVAILABLE: 'unavailable',
  UNAUTHENTICATED: 'permission_denied',
};

/** A failure in the protocol's own words. The message is public. */
export class StatusError extends RequestError {
  readonly status: StatusName;

  constructor(status: StatusName, message: string) {
    super(CODES[status], message, { wireCode: status });
    this.status = status;
  }
}

const DENIED = 'The caller does not have permission.';

export function statusOf(error: RequestError): StatusError {
  if (error instanceof StatusError) return error;
  const message = error.code === 'permission_denied' ? DENIED : error.message;
  return new StatusError(OF_CODE[error.code], message === '' ? 'Not found.' : message);
}
