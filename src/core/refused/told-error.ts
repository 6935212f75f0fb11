/** What callers and the operator are told of what went wrong. */
import { WorkQueueFullError } from '../../base/slow-work.ts';
import { RequestError } from '../../model/errors.ts';
import { ConflictError, StorageError } from '../../storage/storage.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

/** What the caller is not told. A refusal by policy is in the audit log alone; a login's is told here too. */
function tellOperator(parts: Parts, exchange: Exchange, error: RequestError): void {
  const isLogin = exchange.class === 'login';
  if (error.code === 'permission_denied' && !isLogin) return;
  parts.world.log.warn(isLogin ? 'login refused' : 'request failed', {
    request_id: exchange.id,
    code: error.code,
    detail: error.detail,
    ...(isLogin
      ? {
          mount: exchange.mount?.entry.path,
          remote_address: exchange.call.connection.remoteAddress,
        }
      : {}),
  });
}

/** Whatever was thrown, as something that may be told; the rest goes to the log. */
export function asRequestError(parts: Parts, exchange: Exchange, error: unknown): RequestError {
  if (error instanceof RequestError) {
    if (error.detail !== undefined) tellOperator(parts, exchange, error);
    return error;
  }
  if (error instanceof ConflictError) {
    return new RequestError('unavailable', 'too many concurrent changes, try again', {
      cause: error,
    });
  }
  if (error instanceof WorkQueueFullError) {
    return new RequestError('unavailable', 'the server is busy, try again', { cause: error });
  }
  const storage = error instanceof StorageError;
  parts.world.log.error(storage ? 'storage failed' : 'request crashed', {
    request_id: exchange.id,
    path: exchange.path,
    error: error instanceof Error ? (error.stack ?? error.message) : 'not an error',
  });
  if (storage && error.passing) {
    return new RequestError('unavailable', 'the storage cannot be reached, try again', {
      cause: error,
    });
  }
  return new RequestError('internal', 'internal error', { cause: error });
}
