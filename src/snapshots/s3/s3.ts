/** Snapshots in a bucket of object storage, by the S3 API. Large ones go in parts; a name appears when the last part has. */
import { DestinationError } from '../destination.ts';
import type { Destination, Listed } from '../destination.ts';
import type { MadeSnapshot } from '../make.ts';
import { SUFFIX } from '../names.ts';
import { elementsOf, textOf } from './xml.ts';
import { S3Wire } from './wire.ts';
import type { WirePorts } from './wire.ts';

/** Smaller ones are sent whole. The API demands at least 5 MiB of every part but the last. */
export const PART_BYTES: number = 8 * 1024 * 1024;
/** The API takes 10 000. */
const PARTS_MAX = 9_000;
/** A read asks for this much at a time. */
const RANGE_BYTES: number = 3 * 1024 * 1024;
/** Snapshots that one listing follows. */
const NAMES_MAX = 100_000;
const LIST_PAGES_MAX = 1_000;
/** Uploads that began before this are not under way any more. */
const STALE_MS: number = 24 * 60 * 60 * 1000;
const RANGE_REFUSED = 416;
const NOT_FOUND = 404;

export interface S3Options extends WirePorts {
  /** Before every name; '' or ending in '/'. */
  readonly prefix: string;
  /** `AES256`, `aws:kms`; '' = as the bucket says. */
  readonly encryption: string;
  readonly kmsKey: string;
}

export function s3Destination(options: S3Options): Destination {
  return new S3Destination(options);
}

class S3Destination implements Destination {
  readonly #options: S3Options;
  readonly #wire: S3Wire;

  constructor(options: S3Options) {
    this.#options = options;
    this.#wire = new S3Wire(options);
  }

  urlOf(name: string): string {
    return this.#wire.urlOf(this.#keyOf(name)).href;
  }

  async put(name: string, made: MadeSnapshot, signal: AbortSignal): Promise<void> {
    const key = this.#keyOf(name);
    const headers = this.#encryption();
    if (made.bytes <= PART_BYTES) {
      const body = await wholeOf(made);
      await this.#wire.ask({ method: 'PUT', key, headers, body, signal });
    } else await this.#putInParts(key, made, signal);
    const listed = (await this.list()).find((one) => one.name === name);
    if (listed?.bytes === made.bytes) return;
    throw new DestinationError(
      listed === undefined
        ? 'the bucket took the snapshot and does not list it'
        : `the bucket holds ${listed.bytes} bytes of ${made.bytes}`,
    );
  }

  async #putInParts(key: string, made: MadeSnapshot, signal: AbortSignal): Promise<void> {
    const begun = await this.#wire.ask({
      method: 'POST',
      key,
      query: { uploads: '' },
      headers: this.#encryption(),
      signal,
    });
    const uploadId = textOf(begun.body.toString(), 'UploadId');
    if (uploadId === undefined) throw new DestinationError('the bucket began no upload');
    try {
      const tags: string[] = [];
      for await (const body of partsOf(made)) {
        const query = { partNumber: String(tags.length + 1), uploadId };
        const { headers } = await this.#wire.ask({ method: 'PUT', key, query, body, signal });
        const tag = headers?.['etag'];
        if (typeof tag !== 'string') throw new DestinationError('a part came to no tag');
        tags.push(tag);
      }
      signal.throwIfAborted();
      await this.#wire.ask({
        method: 'POST',
        key,
        query: { uploadId },
        body: Buffer.from(completion(tags)),
        signal,
      });
    } catch (error) {
      await this.#abort(key, uploadId);
      throw error;
    }
  }

  /** The parts of an upload that is not completed cost money; what cannot be aborted now is when it is stale. */
  async #abort(key: string, uploadId: string): Promise<void> {
    const query = { uploadId };
    await this.#wire.ask({ method: 'DELETE', key, query, alsoGood: NOT_FOUND }).catch(() => {});
  }

  async list(): Promise<readonly Listed[]> {
    const { prefix } = this.#options;
    const listed: Listed[] = [];
    let token: string | undefined;
    for (let page = 0; page < LIST_PAGES_MAX && listed.length < NAMES_MAX; page++) {
      const query = {
        'list-type': '2',
        prefix,
        delimiter: '/',
        ...(token === undefined ? {} : { 'continuation-token': token }),
      };
      const xml = (await this.#wire.ask({ method: 'GET', key: '', query })).body.toString();
      for (const entry of elementsOf(xml, 'Contents')) {
        const name = (textOf(entry, 'Key') ?? '').slice(prefix.length);
        if (name.endsWith(SUFFIX)) listed.push({ name, bytes: Number(textOf(entry, 'Size')) });
      }
      token = textOf(xml, 'NextContinuationToken');
      if (textOf(xml, 'IsTruncated') !== 'true' || token === undefined) break;
    }
    return listed;
  }

  async *open(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const key = this.#keyOf(name);
    for (let from = 0; ; from += RANGE_BYTES) {
      const headers = { range: `bytes=${from}-${from + RANGE_BYTES - 1}` };
      const alsoGood = from === 0 ? {} : { alsoGood: RANGE_REFUSED };
      const { body, status } = await this.#wire.ask({
        method: 'GET',
        key,
        headers,
        signal,
        ...alsoGood,
      });
      if (status === RANGE_REFUSED) return;
      yield body;
      if (body.length < RANGE_BYTES) return;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#wire.ask({ method: 'DELETE', key: this.#keyOf(name), alsoGood: NOT_FOUND });
  }

  async sweep(nowMs: number): Promise<void> {
    const { prefix } = this.#options;
    const query = { uploads: '', prefix };
    const xml = (await this.#wire.ask({ method: 'GET', key: '', query })).body.toString();
    for (const upload of elementsOf(xml, 'Upload')) {
      const [key = '', id = ''] = [textOf(upload, 'Key'), textOf(upload, 'UploadId')];
      const begunMs = Date.parse(textOf(upload, 'Initiated') ?? '');
      // A time that cannot be read counts as new: nothing that is under way is ever ended.
      if (!(nowMs - begunMs > STALE_MS) || !key.startsWith(prefix) || !key.endsWith(SUFFIX)) {
        continue;
      }
      await this.#abort(key, id);
    }
  }

  #keyOf(name: string): string {
    return this.#options.prefix + name;
  }

  #encryption(): Record<string, string> {
    const { encryption, kmsKey } = this.#options;
    if (encryption === '') return {};
    const name = 'x-amz-server-side-encryption';
    return {
      [name]: encryption,
      ...(kmsKey === '' ? {} : { [`${name}-aws-kms-key-id`]: kmsKey }),
    };
  }
}

async function wholeOf(made: MadeSnapshot): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of made.stream()) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Pieces of equal length, but for the last. */
async function* partsOf(made: MadeSnapshot): AsyncIterable<Buffer> {
  const partBytes = Math.max(PART_BYTES, Math.ceil(made.bytes / PARTS_MAX));
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const piece of made.stream()) {
    waiting.push(piece);
    length += piece.length;
    while (length >= partBytes) {
      const all = Buffer.concat(waiting);
      yield all.subarray(0, partBytes);
      waiting = [all.subarray(partBytes)];
      length -= partBytes;
    }
  }
  if (length > 0) yield Buffer.concat(waiting);
}

function completion(tags: readonly string[]): string {
  const parts = tags.map(
    (tag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
