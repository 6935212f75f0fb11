/** Pages of lists: `page_size`, of which 0 means as many as there may be, and an opaque token. */
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';

const PAGE_SIZE_MAX = 25_000;
const TOKEN_LENGTH_MAX = 2048;

export interface Page {
  readonly size: number;
  /** Go on after this; empty for the first page. */
  readonly after: string;
}

/** @throws {StatusError} */
export function pageOf(request: Message): Page {
  const size = (request['pageSize'] as number | undefined) ?? 0;
  if (size < 0) throw new StatusError('INVALID_ARGUMENT', 'The page_size must not be negative.');
  const token = (request['pageToken'] as string | undefined) ?? '';
  const after = token.length > TOKEN_LENGTH_MAX ? '' : Buffer.from(token, 'base64url').toString();
  if (Buffer.from(after).toString('base64url') !== token) {
    throw new StatusError('INVALID_ARGUMENT', 'The page_token is not valid.');
  }
  return { size: size === 0 ? PAGE_SIZE_MAX : Math.min(size, PAGE_SIZE_MAX), after };
}

export function pageToken(after: string): string {
  return Buffer.from(after).toString('base64url');
}
