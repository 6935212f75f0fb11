/** Requests that engines make of other systems' HTTP APIs: handed in by the server, bounded in time and size, without redirects. */

export interface OutgoingRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Certificates (PEM) that alone are trusted; the system's without it. */
  readonly caPem?: string;
}

export interface IncomingReply {
  readonly status: number;
  readonly body: Buffer;
}

/** Rejects when there is no reply; the message names no secret. */
export type SendRequest = (url: string, request: OutgoingRequest) => Promise<IncomingReply>;

/** The JSON of a reply; undefined when it is none. */
export function jsonOf({ body }: IncomingReply): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** A member of an unknown value, as an object's; undefined when there is none. */
export function member(value: unknown, ...path: readonly string[]): unknown {
  let found: unknown = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Readonly<Record<string, unknown>>)[name];
  }
  return found;
}
