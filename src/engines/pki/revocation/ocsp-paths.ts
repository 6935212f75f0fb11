/** `ocsp`: whether one certificate is revoked (RFC 6960), answered by the issuer itself. */
import { decodeBase64 } from '../../../base/base64.ts';
import { DerError } from '../../../crypto/der.ts';
import { algorithmFor, findAlgorithm } from '../../../crypto/x509/algorithms.ts';
import type { SignatureAlgorithm } from '../../../crypto/x509/algorithms.ts';
import {
  asksAbout,
  makeStatusResponse,
  readStatusRequest,
  STATUS_FAILURES,
} from '../../../crypto/x509/ocsp.ts';
import type { CertificateStatus, StatusRequest } from '../../../crypto/x509/ocsp.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { ISSUERS, readIndex } from '../authorities/records.ts';
import type { IssuerRecord } from '../authorities/records.ts';
import type { ReadySigner } from '../authorities/signer.ts';
import type { PkiPorts } from '../ports.ts';
import { crlConfig, secondsOf } from './config.ts';
import { findRevoked } from './revoked.ts';
import type { Reply } from '../../../model/reply.ts';

const CONTENT_TYPE = 'application/ocsp-response';
const REQUEST_BYTES_MAX = 2048;
const UNAUTHORIZED = 401;
const BAD_REQUEST = 400;

function answer(body: Buffer, status: number): Reply {
  return { raw: { contentType: CONTENT_TYPE, body }, status };
}

const MALFORMED: Reply = answer(STATUS_FAILURES.malformed, BAD_REQUEST);
const REFUSED: Reply = answer(STATUS_FAILURES.unauthorized, UNAUTHORIZED);

function parsed(der: Buffer | undefined): StatusRequest | undefined {
  if (der === undefined || der.length === 0 || der.length >= REQUEST_BYTES_MAX) return undefined;
  try {
    return readStatusRequest(der);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Responses are never PSS: many readers do not know it. */
function responseAlgorithm({ issuer, key }: ReadySigner): SignatureAlgorithm {
  const wanted = findAlgorithm(issuer.revocationAlgorithm.replace(/PSS$/i, ''));
  return wanted ?? algorithmFor(key);
}

export function ocspPaths(ports: PkiPorts): readonly Path[] {
  const { signers } = ports;

  /** The issuer that the request names; undefined when there is none, or `refused` when it may not answer. */
  async function responder(
    store: Transaction,
    request: StatusRequest,
  ): Promise<ReadySigner | 'refused' | undefined> {
    let refused = false;
    const ids = Object.keys((await readIndex(store)).issuers);
    const records = await store.getRecords<IssuerRecord>(ids.map((id) => ISSUERS + id));
    for (const issuer of records) {
      if (issuer === undefined || issuer.keyId === '') continue;
      const { certificate } = await signers.of(store, issuer);
      if (!asksAbout(request, certificate)) continue;
      if (issuer.usage.includes('ocsp-signing')) {
        return await signers.readyOf(store, issuer, 'ocsp-signing');
      }
      refused = true;
    }
    return refused ? 'refused' : undefined;
  }

  async function defaultResponder(store: Transaction): Promise<ReadySigner | undefined> {
    const { defaultIssuer } = await readIndex(store);
    if (defaultIssuer === '') return undefined;
    const issuer = await store.getRecord<IssuerRecord>(ISSUERS + defaultIssuer);
    if (issuer === undefined || issuer.keyId === '' || !issuer.usage.includes('ocsp-signing')) {
      return undefined;
    }
    return await signers.readyOf(store, issuer, 'ocsp-signing');
  }

  async function respond(
    store: Transaction,
    der: Buffer | undefined,
    nowMs: number,
  ): Promise<Reply> {
    const config = await crlConfig(store);
    if (config.ocsp_disable) return REFUSED;
    const request = parsed(der);
    if (request === undefined) return MALFORMED;
    const named = await responder(store, request);
    if (named === 'refused') return REFUSED;
    const signer = named ?? (await defaultResponder(store));
    if (signer === undefined) return REFUSED;
    const status = named === undefined ? UNKNOWN : await statusOf(store, request);
    const lifetimeMs = secondsOf(config.ocsp_expiry) * 1000;
    const response = await makeStatusResponse(
      {
        request,
        status,
        producedMs: nowMs,
        nextUpdateMs: lifetimeMs > 0 ? nowMs + lifetimeMs : undefined,
      },
      signer.certificate,
      responseAlgorithm(signer),
      signer.key,
    );
    return answer(response, 200);
  }

  return [
    definePath({
      pattern: 'ocsp',
      fields: {
        http_raw_body: { kind: 'string', description: 'The request in DER, as the body.' },
      },
      unauthenticated: true,
      help: { synopsis: 'Answers a status request that is sent as the body.' },
      operations: {
        update: {
          summary: 'Ask for a certificate’s status',
          handler: ({ fields, nowMs }, store) =>
            respond(store, decodeBase64(fields.http_raw_body ?? ''), nowMs),
        },
      },
    }),
    definePath({
      pattern: 'ocsp/{req...}',
      fields: {
        req: { kind: 'string', description: 'The request in DER, in base64.', default: '' },
      },
      unauthenticated: true,
      help: { synopsis: 'Answers a status request that is part of the path.' },
      operations: {
        read: {
          summary: 'Ask for a certificate’s status by path',
          handler: ({ fields, nowMs }, store) => respond(store, decodeBase64(fields.req), nowMs),
        },
      },
    }),
  ];
}

const UNKNOWN: CertificateStatus = { state: 'unknown' };

async function statusOf(store: Transaction, { serial }: StatusRequest): Promise<CertificateStatus> {
  const key = serial.toString('hex').replace(/(..)(?=.)/g, '$1-');
  const revoked = await findRevoked(store, key);
  return revoked === undefined
    ? { state: 'good' }
    : { state: 'revoked', revokedMs: revoked.revokedMs };
}
