/**
 * What a failed call throws. An error carries a status and the server's messages, never the token or a body: whatever a
 * program prints, logs or serialises of it is safe to show (CVE-2026-55102 is the counter-example).
 */
import { inspect } from 'node:util';

/** The server answered with a status of 400 or above. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code = 'API_ERROR';
  readonly status: number;
  /** The server's own messages; empty when it gave none. */
  readonly errors: readonly string[];
  readonly method: string;
  /** Where the call went; of its query only what pages through a list. */
  readonly url: string;
  readonly namespace: string;
  /** Whether the call carried a token at all. */
  readonly tokenSent: boolean;

  constructor(details: ApiErrorDetails) {
    super(describe(details));
    this.status = details.status;
    this.errors = Object.freeze([...details.errors]);
    this.method = details.method;
    this.url = details.url;
    this.namespace = details.namespace ?? '';
    this.tokenSent = details.tokenSent ?? true;
  }

  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      code: this.code,
      status: this.status,
      method: this.method,
      url: this.url,
      errors: this.errors,
    };
  }

  static {
    showAs(
      ApiError,
      (error) =>
        `ApiError ${error.status} ${error.method} ${error.url}: ${error.errors.join('; ')}`,
    );
  }
}

export interface ApiErrorDetails {
  readonly status: number;
  readonly errors: readonly string[];
  readonly method: string;
  readonly url: string;
  /** Says what came instead when the answer was no JSON error. Its bytes are not kept: a proxy may echo the request. */
  readonly unreadable?: string;
  readonly namespace?: string;
  readonly tokenSent?: boolean;
}

/** No answer came: refused, timed out, wrong certificate, cut short. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }

  toJSON(): Record<string, unknown> {
    return { name: this.name, code: this.code, message: this.message };
  }

  static {
    showAs(ConnectionError, (error) => `ConnectionError ${error.code}: ${error.message}`);
  }
}

/** The answer had a good status but is not what the API promises. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  readonly code = 'RESPONSE_ERROR';
}

/** The text the command line has always printed for a failed call; tools match its lines. */
function describe(details: ApiErrorDetails): string {
  const namespace =
    details.namespace !== undefined && details.namespace !== '' && details.namespace !== 'root/'
      ? `Namespace: ${details.namespace}\n`
      : '';
  const kind = details.unreadable === undefined ? 'Errors' : 'Raw Message';
  const list = details.unreadable ?? details.errors.map((message) => `* ${message}`).join('');
  return (
    `Error making API request.\n\n${namespace}URL: ${details.method} ${details.url}\n` +
    `Code: ${details.status}. ${kind}:\n\n${list}`
  );
}

/** Gives a class the text that console.log and util.inspect print, in place of its fields. */
function showAs<Shown extends Error>(
  shown: { readonly prototype: Shown },
  text: (error: Shown) => string,
): void {
  Object.defineProperty(shown.prototype, inspect.custom, {
    value(this: Shown): string {
      return text(this);
    },
  });
}
