/** Replies without an end of their own (a live log): they last until the client goes away, their source ends or the listener closes. */
import type { ServerResponse } from 'node:http';
import type { WireReply } from '../facades/facade.ts';

type Stream = NonNullable<WireReply['stream']>;

export class EndlessReplies {
  readonly #streams = new Map<ServerResponse, Stream>();
  #closing = false;

  /** Takes note of a reply if it is one of them. */
  note(response: ServerResponse, stream: Stream | undefined): void {
    if (stream === undefined || stream.lengthBytes !== undefined) return;
    if (this.#closing) stream.destroy();
    this.#streams.set(response, stream);
    response.once('close', () => this.#streams.delete(response));
  }

  /** With nothing to send, such a reply waits for news, not for its client. */
  waitsForNews(response: ServerResponse): boolean {
    return response.writableLength === 0 && this.#streams.has(response);
  }

  /** Ends all that there are and all that still come, and their connections, which were promised to stay. */
  end(): void {
    this.#closing = true;
    for (const [response, stream] of this.#streams) {
      const { socket } = response;
      response.once('finish', () => socket?.end());
      stream.destroy();
    }
  }
}
