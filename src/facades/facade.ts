/**
 * What a facade is: the translation between one wire protocol and the core. It extracts evidence and names (token, path,
 * operation) and renders answers; it authenticates nothing, stores nothing and decides nothing. The listener owns bytes,
 * TLS, limits and time-outs, and hands each request to one facade.
 */
import type { Connection } from '../model/request.ts';
import type { ByteStream } from '../model/reply.ts';

export type { Connection } from '../model/request.ts';

/** One HTTP request as the listener took it off the wire. */
export interface WireRequest {
  readonly method: string;
  /** The request target as it was sent: `/path?query`, nothing decoded. */
  readonly target: string;
  /** Lower-cased names; of a repeated header only what Node.js keeps, so look at {@link rawHeaders} where that matters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values as they came, alternating. */
  readonly rawHeaders: readonly string[];
  readonly connection: Connection;
  /** True when the request announced a body. */
  readonly hasBody: boolean;
  /**
   * The whole body, read from the socket only now. Call it at most once.
   * @throws {BodyError}
   */
  readBody(bytesMax: number): Promise<Buffer>;
  /** The body as it comes, in place of {@link readBody}. @throws {BodyError} while it is read */
  bodyPieces(): AsyncIterable<Uint8Array>;
  /** Aborted when the caller went away or the time of the request is over. Made on first use. */
  readonly signal: AbortSignal;
}

/** One HTTP response. The listener adds `Content-Length`, `Date` and the operator's own headers. */
export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Sent in place of the body. The listener reads it to its end, or destroys it. */
  readonly stream?: ByteStream;
  /** HTTP/2 only: sent behind the body (gRPC's status). */
  readonly trailers?: Readonly<Record<string, string>>;
}

export interface Facade {
  /** Never rejects: every failure is a reply of the protocol. */
  handle(request: WireRequest): Promise<WireReply>;
  /** A refusal that the listener itself decided (bad HTTP, time-out, too many headers), in this protocol's shape. */
  refuse(status: number, message: string): WireReply;
}

/** A facade that shares a listener with others, and the requests that are its own. */
export interface SharedFacade extends Pick<Facade, 'handle'> {
  /** As configuration and audit name it. */
  readonly api: 'aws' | 'azure' | 'gcp';
  /**
   * Decides by request line and headers alone, and cheaply. Asked in the order of server/facades/facades.ts, and never about
   * what can only be Vault's: a path below `/v1/` other than `/v1/projects/`.
   */
  claims(request: WireRequest): boolean;
}

export type BodyErrorReason = 'too_large' | 'aborted';

/** Why a body could not be read. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly reason: BodyErrorReason;

  constructor(reason: BodyErrorReason) {
    super(reason === 'too_large' ? 'request body too large' : 'request body ended early');
    this.reason = reason;
  }
}
