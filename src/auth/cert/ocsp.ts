/** Whether a caller's certificate is revoked, by the word of a responder; answers are kept as long as they say. */
import { createHash } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import type { Presented } from '../../crypto/x509/chain.ts';
import { readCertificate } from '../../crypto/x509/certificate.ts';
import type { Certificate } from '../../crypto/x509/certificate.ts';
import {
  OcspError,
  judgeStatusResponse,
  makeStatusRequest,
} from '../../crypto/x509/ocsp-client.ts';
import type { JudgedStatus } from '../../crypto/x509/ocsp-client.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchBytes } from '../fetch-json.ts';

export interface OcspRules {
  /** Certificates trusted beside the issuer's. */
  readonly trusted: readonly Presented[];
  /** In place of those that the certificate names. */
  readonly servers: readonly string[];
  readonly failOpen: boolean;
  readonly queryAll: boolean;
  /** Answers kept. */
  readonly cacheSize: number;
}

const NONCE_BYTES = 32;
const SERVERS_MAX = 8;
const TIMEOUT_MS = 5000;
const CACHE_MAX = 10_000;
const CACHE_USUAL = 100;
/** No answer is kept for longer: a revocation is to be seen some time. */
const KEPT_MS = 60 * 60_000;

/** Responders that a certificate names (RFC 5280 §4.2.2.1). */
function serversOf(leaf: Presented): readonly string[] {
  return (leaf.native.infoAccess ?? '')
    .split('\n')
    .filter((line) => line.startsWith('OCSP - URI:'))
    .map((line) => line.slice('OCSP - URI:'.length));
}

export class OcspChecks {
  readonly #fetch: FetchBytes;
  readonly #random: Random;
  readonly #kept = new Map<string, JudgedStatus>();

  constructor(fetch: FetchBytes, random: Random) {
    this.#fetch = fetch;
    this.#random = random;
  }

  /** Undefined when the certificate may be used; else why not. */
  async fault(
    [leaf, parent]: readonly Presented[],
    rules: OcspRules,
    nowMs: number,
  ): Promise<string | undefined> {
    // A certificate that is trusted by itself has no issuer here that could revoke it.
    if (leaf === undefined || parent === undefined) return undefined;
    const [certificate, issuer] = [readCertificate(leaf.der), readCertificate(parent.der)];
    const trusted = rules.trusted.map(({ der }) => readCertificate(der));
    const servers = (rules.servers.length > 0 ? rules.servers : serversOf(leaf)).slice(
      0,
      SERVERS_MAX,
    );
    let lastFault = 'no responder is known';
    let good = 0;
    for (const server of servers) {
      try {
        const { state } = await this.#ask(server, { certificate, issuer, trusted, nowMs }, rules);
        if (state === 'revoked') return 'the responder says that the certificate is revoked';
        if (state === 'good') good++;
        else lastFault = 'the responder does not know the certificate';
      } catch (error) {
        if (!(error instanceof OcspError) && !(error instanceof FetchError)) throw error;
        lastFault = error.message;
      }
      if (good > 0 && !rules.queryAll) return undefined;
    }
    if (rules.queryAll && good > 0 && good === servers.length) return undefined;
    return rules.failOpen ? undefined : `the status of the certificate is not known: ${lastFault}`;
  }

  async #ask(
    server: string,
    question: {
      readonly certificate: Certificate;
      readonly issuer: Certificate;
      readonly trusted: readonly Certificate[];
      readonly nowMs: number;
    },
    rules: OcspRules,
  ): Promise<JudgedStatus> {
    const { certificate, issuer, trusted, nowMs } = question;
    const key = createHash('sha256')
      .update(server)
      .update('\n')
      .update(issuer.der)
      .update(certificate.der)
      .update(Buffer.concat(trusted.map(({ der }) => der)))
      .digest('base64');
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.untilMs > nowMs) return kept;
    const nonce = this.#random.bytes(NONCE_BYTES);
    const { status, body } = await this.#fetch(server, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
      body: makeStatusRequest(certificate, issuer, nonce),
      timeoutMs: TIMEOUT_MS,
    });
    if (status !== 200) throw new OcspError(`the responder answered with status ${status}`);
    const judged = judgeStatusResponse(body, { ...question, nonce });
    this.#keep(key, { ...judged, untilMs: Math.min(judged.untilMs, nowMs + KEPT_MS) }, rules);
    return judged;
  }

  #keep(key: string, judged: JudgedStatus, { cacheSize }: OcspRules): void {
    const size = Math.min(cacheSize > 0 ? cacheSize : CACHE_USUAL, CACHE_MAX);
    this.#kept.delete(key);
    this.#kept.set(key, judged);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= size) break;
      this.#kept.delete(oldest);
    }
  }
}
