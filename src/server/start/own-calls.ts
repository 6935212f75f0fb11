/** What a start asks of its own server, as any caller with its token would: through policies, audit and all. */
import type { JsonObject } from '../../base/json.ts';
import type { Answer, Call, CallOperation } from '../../core/call.ts';
import type { Instance } from '../instance.ts';

function callOf(
  token: string,
  operation: CallOperation,
  path: string,
  data: Readonly<JsonObject>,
): Call {
  return {
    protocol: 'vault',
    operation,
    path,
    namespace: '',
    token,
    query: {},
    readBody: async () => data,
    wrapTtlSeconds: 0,
    wrapFormat: '',
    connection: { remoteAddress: '127.0.0.1', remotePort: 0, clientCertificates: [], local: true },
    headers: {},
  };
}

/** Whether something is at `path`. */
export async function isThere(instance: Instance, token: string, path: string): Promise<boolean> {
  const answer = await instance.handle(callOf(token, 'read', path, {}));
  return answer.error?.code !== 'not_found';
}

/** @throws {RequestError} what the server refuses it with */
export async function write(
  instance: Instance,
  token: string,
  path: string,
  data: Readonly<JsonObject>,
): Promise<NonNullable<Answer['reply']>['data']> {
  const answer = await instance.handle(callOf(token, 'write', path, data));
  if (answer.error !== undefined) throw answer.error;
  return answer.reply?.data;
}
