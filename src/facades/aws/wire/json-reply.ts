/** Replies of the JSON protocol, version 1.1. */
import type { WireReply } from '../../facade.ts';

export function jsonReply(status: number, body: unknown, requestId: string): WireReply {
  return {
    status,
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'x-amzn-RequestId': requestId,
      'Cache-Control': 'no-store',
    },
    body: JSON.stringify(body),
  };
}

export function jsonError(
  status: number,
  type: string,
  message: string,
  requestId: string,
): WireReply {
  return jsonReply(status, { __type: type, Message: message, message }, requestId);
}
