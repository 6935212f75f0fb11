/** How ACME says no: problem documents with the types of RFC 8555 §6.7. */
import type { Reply } from '../../../model/reply.ts';

const PREFIX = 'urn:ietf:params:acme:error:';

/** Type, status, and what the type means in words. */
const PROBLEMS = {
  accountDoesNotExist: [400, 'the request specified an account that does not exist'],
  alreadyRevoked: [
    400,
    'the request specified a certificate to be revoked that has already been revoked',
  ],
  badCSR: [400, 'the CSR is unacceptable'],
  badNonce: [400, 'the client sent an unacceptable anti-replay nonce'],
  badPublicKey: [400, 'the JWS was signed by a public key the server does not support'],
  badRevocationReason: [400, 'the revocation reason provided is not allowed by the server'],
  badSignatureAlgorithm: [400, 'the JWS was signed with an algorithm the server does not support'],
  connection: [500, 'the server could not connect to validation target'],
  dns: [500, 'there was a problem with a DNS query during identifier validation'],
  externalAccountRequired: [
    401,
    "the request must include a value for the 'externalAccountBinding' field",
  ],
  incorrectResponse: [400, "response received didn't match the challenge's requirements"],
  invalidContact: [400, 'a contact URL for an account was invalid'],
  malformed: [400, 'the request message was malformed'],
  orderNotReady: [
    403,
    'the request attempted to finalize an order that is not ready to be finalized',
  ],
  rateLimited: [429, 'the request exceeds a rate limit'],
  rejectedIdentifier: [400, 'the server will not issue certificates for the identifier'],
  serverInternal: [500, 'the server experienced an internal error'],
  tls: [500, 'the server received a TLS error during validation'],
  unauthorized: [401, 'the client lacks sufficient authorization'],
  unsupportedIdentifier: [400, 'an identifier is of an unsupported type'],
} as const;

export type ProblemType = keyof typeof PROBLEMS;

/** Ends a request of ACME; what it says is for the client to read. */
export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem';
  readonly type: ProblemType;

  /**
   * @param what goes before the words of the type; without it they stand alone.
   * @param order `type first` where the words of the type open the sentence: what is wrong with a directory is told so.
   */
  constructor(type: ProblemType, what = '', order: 'what first' | 'type first' = 'what first') {
    const [, words] = PROBLEMS[type];
    const parts = order === 'what first' ? [what, words] : [words, what];
    super(what === '' ? words : parts.join(': '));
    this.type = type;
  }
}

/** As it stands in answers, and beside the challenges that failed. */
export interface ProblemDocument {
  readonly type: string;
  readonly detail: string;
}

export function problemDocument(problem: AcmeProblem): ProblemDocument {
  return { type: PREFIX + problem.type, detail: problem.message };
}

export function problemReply(
  problem: AcmeProblem,
  headers: Readonly<Record<string, string>>,
): Reply {
  return {
    status: PROBLEMS[problem.type][0],
    headers,
    raw: {
      contentType: 'application/problem+json',
      body: JSON.stringify(problemDocument(problem)),
    },
  };
}
