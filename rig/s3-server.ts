/**
 * Object storage in memory that speaks the S3 API as far as snapshots need it, and believes nobody: every request must bear a right
 * Signature Version 4 over its body. It can be told to fail.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3ServerOptions {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  /** Names that one page of a listing holds. */
  readonly pageSize?: number;
  /** What the signatures' times are compared with; the time of day without it. */
  readonly nowMs?: () => number;
}

/** What becomes of a request before it is looked at; undefined = it is served. */
export type Sabotage = (method: string, url: URL) => 'error' | 'hang up' | undefined;

export interface S3Server {
  /** Host and port. */
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  /** Uploads in parts that were begun and not ended, by id. */
  readonly uploads: Map<string, Upload>;
  /** Headers of the last request for each key. */
  readonly seen: Map<string, IncomingMessage['headers']>;
  /** How many were refused for their signature. */
  refused: number;
  sabotage: Sabotage;
  close(): Promise<void>;
}

interface Upload {
  readonly key: string;
  readonly parts: Map<number, Buffer>;
  initiated: Date;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** Signatures older than this are refused, as S3 does. */
const SKEW_MS_MAX = 15 * 60 * 1000;
const PART_BYTES_MIN = 5 * 1024 * 1024;

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Upload>();
  const seen = new Map<string, IncomingMessage['headers']>();
  const rig = { refused: 0, sabotage: (() => undefined) as Sabotage };
  const server = createServer((request, response) => {
    void serve(request, response);
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? ''}`);
    const sabotage = rig.sabotage(request.method ?? '', url);
    if (sabotage === 'hang up') {
      request.socket.destroy();
      return;
    }
    try {
      if (sabotage === 'error') throw new Refusal(500, 'InternalError');
      if (!isSigned(request, url, body, options)) {
        rig.refused += 1;
        throw new Refusal(403, 'SignatureDoesNotMatch');
      }
      const [, bucket, ...rest] = url.pathname.split('/');
      if (bucket !== options.bucket) throw new Refusal(404, 'NoSuchBucket');
      const key = decodeURIComponent(rest.join('/'));
      seen.set(key, request.headers);
      act(request, response, { url, key, body });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      response.writeHead(error.status, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>${error.code}</Code></Error>`);
    }
  }

  function act(
    request: IncomingMessage,
    response: ServerResponse,
    { url, key, body }: { url: URL; key: string; body: Buffer },
  ): void {
    const { method } = request;
    const query = url.searchParams;
    const xml = (text: string): void => {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
    };
    const uploadId = query.get('uploadId');
    if (method === 'GET' && key === '' && query.has('uploads')) return xml(listUploads());
    if (method === 'GET' && key === '') return xml(listObjects(query));
    if (method === 'POST' && query.has('uploads')) {
      const id = randomBytes(8).toString('hex');
      uploads.set(id, { key, parts: new Map(), initiated: new Date() });
      return xml(
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (uploadId !== null) {
      const upload = uploads.get(uploadId);
      if (upload?.key !== key) throw new Refusal(404, 'NoSuchUpload');
      if (method === 'PUT') {
        upload.parts.set(Number(query.get('partNumber')), body);
        response.writeHead(200, { etag: `"${md5(body)}"` }).end();
        return;
      }
      uploads.delete(uploadId);
      if (method === 'DELETE') {
        response.writeHead(204).end();
        return;
      }
      objects.set(key, complete(upload, body.toString()));
      return xml('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
    }
    if (method === 'PUT') {
      objects.set(key, body);
      response.writeHead(200, { etag: `"${md5(body)}"` }).end();
      return;
    }
    if (method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    sendRange(response, objects.get(key), request.headers.range);
  }

  function listUploads(): string {
    const shown = [...uploads].map(
      ([id, { key, initiated }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${initiated.toISOString()}</Initiated></Upload>`,
    );
    return `<ListMultipartUploadsResult>${shown.join('')}</ListMultipartUploadsResult>`;
  }

  function listObjects(query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const keys = [...objects.keys()]
      .filter((key) => key.startsWith(prefix) && !key.slice(prefix.length).includes('/'))
      .filter((key) => key > after)
      .sort();
    const page = keys.slice(0, options.pageSize ?? 1000);
    const more = page.length < keys.length;
    const shown = page.map(
      (key) =>
        `<Contents><Key>${key}</Key><Size>${objects.get(key)?.length ?? 0}</Size></Contents>`,
    );
    const next = more ? `<NextContinuationToken>${page.at(-1) ?? ''}</NextContinuationToken>` : '';
    return `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${shown.join('')}</ListBucketResult>`;
  }

  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(rig, {
    endpoint: `127.0.0.1:${port}`,
    objects,
    uploads,
    seen,
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('hex');
}

function complete(upload: Upload, document: string): Buffer {
  const named = [
    ...document.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>&quot;([\da-f]{32})&quot;<\/ETag>/g),
  ];
  const bodies = named.map(([, number, tag]) => {
    const part = upload.parts.get(Number(number));
    if (part === undefined || md5(part) !== tag) throw new Refusal(400, 'InvalidPart');
    return part;
  });
  if (bodies.slice(0, -1).some((part) => part.length < PART_BYTES_MIN)) {
    throw new Refusal(400, 'EntityTooSmall');
  }
  return Buffer.concat(bodies);
}

function sendRange(
  response: ServerResponse,
  object: Buffer | undefined,
  range: string | undefined,
): void {
  if (object === undefined) throw new Refusal(404, 'NoSuchKey');
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (first === undefined) {
    response.writeHead(200).end(object);
    return;
  }
  if (Number(first) >= object.length) throw new Refusal(416, 'InvalidRange');
  response.writeHead(206).end(object.subarray(Number(first), Number(last) + 1));
}

/** Written from AWS's description of Signature Version 4, apart from what it is to check. */
function isSigned(
  request: IncomingMessage,
  url: URL,
  body: Buffer,
  { accessKey, secretKey, nowMs = Date.now }: S3ServerOptions,
): boolean {
  const { authorization = '' } = request.headers;
  const [, credential = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([\da-f]{64})$/.exec(
      authorization,
    ) ?? [];
  const [key, day = '', region = '', service = '', end] = credential.split('/');
  const time = String(request.headers['x-amz-date']);
  const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  if (key !== accessKey || service !== 's3' || end !== 'aws4_request') return false;
  if (!(Math.abs(nowMs() - Date.parse(iso)) < SKEW_MS_MAX)) return false;
  const names = signedHeaders.split(';');
  const must = ['host', 'x-amz-content-sha256', 'x-amz-date'];
  const amazon = Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'));
  if (![...must, ...amazon].every((name) => names.includes(name))) return false;
  const digest = createHash('sha256').update(body).digest('hex');
  if (request.headers['x-amz-content-sha256'] !== digest) return false;
  const query = (url.search === '' ? [] : url.search.slice(1).split('&'))
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort();
  const canonical = [
    request.method,
    url.pathname,
    query.join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    signedHeaders,
    digest,
  ].join('\n');
  const hashed = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, hashed];
  const hmac = (secret: string | Buffer, message: string): Buffer =>
    createHmac('sha256', secret).update(message).digest();
  const signing = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${secretKey}`,
  );
  return hmac(signing, text.join('\n')).toString('hex') === signature;
}
