/** What the main thread and the writer's thread say to each other. */

/** Writes of one transaction, in columns, so that one message carries thousands of them cheaply. */
export interface BatchRequest {
  readonly kind: 'batch';
  /** Counts batches; stored with the batch, so that a reader knows which state it sees. */
  readonly sequence: number;
  readonly keys: readonly string[];
  /** The revision of a put, 0 for a delete. */
  readonly revisions: readonly number[];
  /** The length of each value, in bytes. */
  readonly lengths: readonly number[];
  /** The values, one after the other. */
  readonly values: Uint8Array<ArrayBuffer>;
}

export type WriterRequest = BatchRequest | { readonly kind: 'close' };

export type WriterReply =
  | { readonly kind: 'ready'; readonly sequence: number }
  /** The batch and all before it are on the disk. */
  | { readonly kind: 'durable'; readonly sequence: number }
  /** The outcome of the batch under way is unknown, and the writer serves no more. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'warning'; readonly message: string; readonly pages: number }
  | { readonly kind: 'closed' };

export interface WriterSettings {
  readonly database: string;
}
