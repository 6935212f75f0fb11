/** One HTTP/2 connection (prior knowledge) that carries one unary gRPC call at a time; answers look like those of HTTP/1.1. */
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import type { RawAnswer } from './connection.ts';
import { GRPC_PATH } from './cloud.ts';

const OK = 200;
const FAILED = 500;

export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly #token: string;

  constructor(port: number, token: string) {
    this.#session = connect(`http://127.0.0.1:${port}`);
    this.#session.on('error', () => {});
    this.#token = token;
  }

  /** Sends a framed message. Status 200 stands for `grpc-status: 0`. */
  send(message: Buffer): Promise<RawAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    const stream = this.#session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: GRPC_PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${this.#token}`,
    });
    const chunks: Buffer[] = [];
    let status: unknown;
    stream.on('response', (headers) => (status = headers['grpc-status']));
    stream.on('trailers', (trailers) => (status ??= trailers['grpc-status']));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({ status: status === '0' ? OK : FAILED, bytes: Buffer.concat(chunks) }),
    );
    stream.end(message);
    return promise;
  }

  close(): void {
    this.#session.destroy();
  }
}
