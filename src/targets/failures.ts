/** Turns what drivers throw into texts that may be shown: no secret, no address, no statement beyond what the server quotes. */
import { TargetError } from './database.ts';

/** Faults of the way to the target: nothing has reached it. */
const UNREACHED: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ENOTFOUND', 'the host name is not known'],
  ['EAI_AGAIN', 'the host name cannot be looked up now'],
  ['EHOSTUNREACH', 'the host cannot be reached'],
  ['ENETUNREACH', 'the network cannot be reached'],
  ['ENOENT', 'there is no such socket'],
  ['EACCES', 'the socket may not be used'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'the certificate of the server is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'the certificate of the server is signed by an unknown authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'the certificate of the server cannot be verified'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'the certificate of the server cannot be verified'],
  ['CERT_HAS_EXPIRED', 'the certificate of the server has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate of the server is for another name'],
]);
/** Faults on the way: the target may or may not have acted. */
const BROKEN: ReadonlyMap<string, string> = new Map([
  ['ETIMEDOUT', 'timed out'],
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was closed'],
  ['ECONNABORTED', 'the connection was closed'],
]);
const TEXT_LENGTH_MAX = 400;
const SECRET_LENGTH_MIN = 3;

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  // A host with several addresses fails with all of their errors.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** What can be said of a fault of the connection; undefined when it is none. */
export function connectionFault(error: unknown): TargetError | undefined {
  const code = codeOf(error);
  const unreached = UNREACHED.get(code);
  if (unreached !== undefined) {
    return new TargetError(unreached, { mayHaveChanged: false, cause: error });
  }
  const broken = BROKEN.get(code);
  if (broken !== undefined) return new TargetError(broken, { mayHaveChanged: true, cause: error });
  return undefined;
}

/** The target's own words, with every secret taken out. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let shown = text.slice(0, TEXT_LENGTH_MAX * 4);
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  for (const secret of longestFirst) {
    if (secret.length < SECRET_LENGTH_MIN) continue;
    for (const form of new Set([secret, encodeURIComponent(secret)])) {
      shown = shown.replaceAll(form, '[secret]');
    }
  }
  return shown.slice(0, TEXT_LENGTH_MAX);
}
