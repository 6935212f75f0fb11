/** What the facades of the clouds make of any request alike: its body, and the parts of a call that do not depend on what is asked. */
import type { Answer, BoundPlace, Call, Handle } from '../core/call.ts';
import type { RequestError } from '../model/errors.ts';
import { BodyError } from './facade.ts';
import type { BodyErrorReason, WireRequest } from './facade.ts';

export type CallFrame = Pick<
  Call,
  'protocol' | 'namespace' | 'query' | 'wrapTtlSeconds' | 'wrapFormat' | 'connection' | 'headers'
>;

const NO_QUERY: CallFrame['query'] = Object.freeze({});
const NO_HEADERS: CallFrame['headers'] = Object.freeze({});
const EMPTY = Buffer.alloc(0);

/** A cloud knows no namespaces and wraps nothing; what its headers say has become evidence. */
export function callFrame(
  protocol: Exclude<Call['protocol'], 'vault'>,
  { connection }: WireRequest,
): CallFrame {
  return {
    protocol,
    namespace: '',
    query: NO_QUERY,
    wrapTtlSeconds: 0,
    wrapFormat: '',
    connection,
    headers: NO_HEADERS,
  };
}

export interface Refused {
  readonly refusal: RequestError;
  /** In the protocol's own words, as far as it is known; never a text that was sent. */
  readonly action: string;
  readonly bound?: BoundPlace;
}

/** Has the core record what was refused before it heard of it, within limits, and give it an id. */
export function recordRefusal(
  handle: Handle,
  protocol: Exclude<Call['protocol'], 'vault'>,
  request: WireRequest,
  refused: Refused,
): Promise<Answer> {
  return handle({
    ...callFrame(protocol, request),
    ...refused,
    operation: 'read',
    // What it was about is not known; where it went is.
    path: '/',
    token: undefined,
    readBody: () => Promise.resolve(NO_QUERY),
  });
}

/** One request on its way through a facade: whether the core has heard of it, and so has recorded it. */
export class Hearing {
  readonly handle: Handle;
  heard = false;
  /** What is asked for, as soon as that is known. */
  action = '';

  constructor(handle: Handle) {
    this.handle = (call) => {
      this.heard = true;
      return handle(call);
    };
  }
}

/** The whole body; empty without one. @param refusal the error of the protocol, which is thrown. */
export async function bodyBytes(
  request: WireRequest,
  bytesMax: number,
  refusal: (reason: BodyErrorReason) => Error,
): Promise<Buffer> {
  if (!request.hasBody) return EMPTY;
  try {
    return await request.readBody(bytesMax);
  } catch (error) {
    throw error instanceof BodyError ? refusal(error.reason) : error;
  }
}
