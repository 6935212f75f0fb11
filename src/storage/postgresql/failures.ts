/** What a failure of the database means for what was asked of it. */
import { StorageError } from '../storage.ts';

/** A statement failed, or the connection did. */
export class LinkError extends StorageError {
  /** The server's SQLSTATE; undefined = the connection was lost or never there. */
  readonly code: string | undefined;
  override readonly passing = true;

  constructor(reason: string, code: string | undefined, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Longest text of the server that is passed on. */
const TEXT_MAX = 300;

interface ServerError {
  readonly code: string;
  readonly severity: string;
}

function asServerError(error: unknown): ServerError | undefined {
  const { code, severity } = error as Partial<ServerError>;
  return typeof code === 'string' && code.length === 5 && typeof severity === 'string'
    ? { code, severity }
    : undefined;
}

/** True for an error that the server answers a statement with, after which the session goes on. */
export function isAnswer(error: unknown): boolean {
  return asServerError(error)?.severity === 'ERROR';
}

/** The SQLSTATE of a statement that certainly failed. A session that the server ended may have done anything before. */
export function codeOf(error: unknown): string | undefined {
  const found = asServerError(error);
  return found?.severity === 'ERROR' ? found.code : undefined;
}

/** A text without parameters' values: the server's messages name objects, its details could name values. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  const text = error instanceof Error ? error.message : 'not an error';
  return text === '' ? 'the connection failed' : text.slice(0, TEXT_MAX);
}

/** Serialization failure or deadlock: nothing was written, and the same may work a moment later (SQLSTATE class 40). */
export function isContention(code: string | undefined): boolean {
  return code?.startsWith('40') === true;
}

/**
 * A named statement met a session that does not know it, or knows it already: a pooler hands out sessions per transaction
 * (PgBouncer before 1.21).
 */
export function isPoolerTrouble(code: string | undefined): boolean {
  return code === '26000' || code === '42P05' || code === '08P01';
}

/** The server was asked at the wrong moment: it starts, stops, is full, or has just become a standby. */
export function isPassing(code: string | undefined): boolean {
  return (
    code === undefined ||
    code.startsWith('08') ||
    code.startsWith('57') ||
    code.startsWith('53') ||
    code === '25006'
  );
}
