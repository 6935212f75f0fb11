/** What the facades of the clouds make of any request alike: its body, and the parts of a call that do not depend on what is asked. */
import type { Call } from '../core/call.ts';
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
