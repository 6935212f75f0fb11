/** Errors as AWS's services word them, and what the core's own errors become here. */
import { RequestError } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';

export type Service = 'secretsmanager' | 'sts' | 'kms';

/** Thrown by operations and their tasks; travels through the core unchanged. */
export class AwsError extends RequestError {
  readonly type: string;
  readonly status: number;

  constructor(
    type: string,
    message: string,
    options: { readonly status?: number; readonly code?: ErrorCode } = {},
  ) {
    super(options.code ?? CODES[type] ?? 'invalid_request', message, { wireCode: type });
    this.type = type;
    this.status = options.status ?? 400;
  }
}

/** What the audit log and the metrics call each type. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ResourceNotFoundException: 'not_found',
  NotFoundException: 'not_found',
  AccessDeniedException: 'permission_denied',
  PublicPolicyException: 'permission_denied',
  LimitExceededException: 'lease_count_exceeded',
};

export function notFound(): AwsError {
  return new AwsError(
    'ResourceNotFoundException',
    "Secrets Manager can't find the specified secret.",
  );
}

export function invalidParameter(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}

export function invalidRequest(message: string): AwsError {
  return new AwsError('InvalidRequestException', message);
}

export function validation(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

/** 403: the signature itself. */
export function signatureError(type: string, message: string): AwsError {
  return new AwsError(type, message, { status: 403, code: 'permission_denied' });
}

export const BAD_SIGNATURE =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/** Reasons for which evidence is refused (identity/credentials/record.ts), in AWS's words. */
const FAULTS: ReadonlyMap<string, readonly [type: string, message: string]> = new Map([
  [
    'unknown_credential',
    ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
  ],
  [
    'bad_session',
    ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
  ],
  ['bad_signature', ['InvalidSignatureException', BAD_SIGNATURE]],
  [
    'session_expired',
    ['ExpiredTokenException', 'The security token included in the request is expired'],
  ],
  [
    'unbound',
    ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
  ],
  [
    'no_token',
    ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
  ],
]);

interface Rendered {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

const INTERNAL = 'An error occurred on the server side.';

/** Every code of the core: the compiler refuses a table that forgets one. */
const TABLE: Readonly<
  Record<ErrorCode, readonly [status: number, type: string, message?: string]>
> = {
  invalid_request: [400, 'InvalidParameterException'],
  permission_denied: [400, 'AccessDeniedException'],
  not_found: [400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret."],
  unsupported_operation: [400, 'InvalidRequestException'],
  precondition_failed: [400, 'PreconditionNotMetException'],
  body_too_large: [413, 'RequestEntityTooLargeException', 'The request is too large.'],
  unsupported_media_type: [415, 'SerializationException'],
  rate_limited: [400, 'ThrottlingException', 'Rate exceeded'],
  lease_count_exceeded: [400, 'LimitExceededException'],
  sealed: [503, 'ServiceUnavailableException', 'The server is sealed.'],
  not_initialized: [503, 'ServiceUnavailableException', 'The server is sealed.'],
  audit_failed: [500, 'InternalServiceError', INTERNAL],
  unavailable: [503, 'ServiceUnavailableException', 'Try again.'],
  upstream_failed: [500, 'InternalServiceError', INTERNAL],
  internal: [500, 'InternalServiceError', INTERNAL],
};

/** The same type has another name in STS and KMS. */
const OTHER_NAMES: Readonly<
  Record<Exclude<Service, 'secretsmanager'>, Readonly<Record<string, string>>>
> = {
  sts: {
    AccessDeniedException: 'AccessDenied',
    InvalidSignatureException: 'SignatureDoesNotMatch',
    UnrecognizedClientException: 'InvalidClientTokenId',
    ExpiredTokenException: 'ExpiredToken',
    MissingAuthenticationTokenException: 'MissingAuthenticationToken',
    IncompleteSignatureException: 'IncompleteSignature',
    InvalidParameterException: 'ValidationError',
    ValidationException: 'ValidationError',
    InternalServiceError: 'InternalFailure',
    ThrottlingException: 'Throttling',
  },
  kms: {
    ResourceNotFoundException: 'NotFoundException',
    InternalServiceError: 'KMSInternalException',
    InvalidParameterException: 'ValidationException',
  },
};

/** How an error looks to a client of `service`. `what` completes the sentence of a refusal. */
export function renderedError(error: RequestError, service: Service, what: string): Rendered {
  const rendered = plain(error, what);
  const type = service === 'secretsmanager' ? undefined : OTHER_NAMES[service][rendered.type];
  // STS answers refusals with 403, as all query services do.
  const status = service === 'sts' && error.code === 'permission_denied' ? 403 : rendered.status;
  return { ...rendered, status, type: type ?? rendered.type };
}

function plain(error: RequestError, what: string): Rendered {
  if (error instanceof AwsError) {
    return { status: error.status, type: error.type, message: error.message };
  }
  const fault = FAULTS.get(error.reason ?? '');
  if (fault !== undefined) return { status: 403, type: fault[0], message: fault[1] };
  const [status, type, message] = TABLE[error.code];
  if (error.code === 'permission_denied') return { status, type, message: what };
  return { status, type, message: message ?? error.message };
}
