/** Answers that are certificates and lists themselves, and when a reader has them already. */
import { pemOf } from '../../../crypto/pem.ts';
import type { Request } from '../../../model/request.ts';
import type { Reply } from '../../../model/reply.ts';

export const CONTENT_TYPES = {
  certificate: 'application/pkix-cert',
  certificatePem: 'application/pem-certificate-chain',
  list: 'application/pkix-crl',
  listPem: 'application/x-pem-file',
} as const;

const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

/** Nothing to show is no error here: clients poll these before anything is set up. */
export function rawReply(contentType: string, body: Buffer | string): Reply {
  const status = body.length === 0 ? NO_CONTENT : 200;
  return { raw: { contentType, body }, status };
}

/** `304` when the caller has what was last changed at `lastModifiedMs`. */
export function notModified(
  request: Pick<Request, 'headers'>,
  lastModifiedMs: number,
): Reply | undefined {
  const header = request.headers['if-modified-since'];
  if (header === undefined || lastModifiedMs === 0) return undefined;
  const sinceMs = Date.parse(header);
  if (Number.isNaN(sinceMs) || lastModifiedMs >= sinceMs) return undefined;
  return {
    raw: { contentType: '', body: '' },
    status: NOT_MODIFIED,
    headers: { 'Last-Modified': new Date(lastModifiedMs).toUTCString() },
  };
}

export function crlPem(der: Buffer): string {
  return pemOf(der, 'X509 CRL');
}
