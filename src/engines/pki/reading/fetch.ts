/** Certificates, chains and lists for everyone, without a token: what verifiers of certificates ask for. */
import { formatTime } from '../../../base/time-format.ts';
import { pemOf } from '../../../crypto/pem.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound, RequestError } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { DEFAULT_REF, resolveIssuer } from '../authorities/resolve.ts';
import type { Signer } from '../authorities/signer.ts';
import { findCertificate, serialKey } from '../making/stored-certificates.ts';
import type { PkiPorts } from '../ports.ts';
import { crlState, findCrl } from '../revocation/crl.ts';
import { findRevoked } from '../revocation/revoked.ts';
import { CONTENT_TYPES, crlPem, notModified, rawReply } from './raw.ts';
import type { Reply } from '../../../model/reply.ts';

const SERIAL_FIELD = {
  kind: 'string',
  description: 'Serial number, with colons or hyphens.',
  default: '',
} as const;

/** What comes back when there is no issuer, for paths whose answer has no room for an error. */
async function orNothing(contentType: string, read: () => Promise<Reply>): Promise<Reply> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof RequestError) return rawReply(contentType, '');
    throw error;
  }
}

function shown(certificate: string, further: Readonly<Record<string, unknown>> = {}): Reply {
  return {
    data: { certificate, revocation_time: 0, revocation_time_rfc3339: '', ...further },
  };
}

export function fetchPaths(ports: PkiPorts): readonly Path[] {
  async function defaultIssuer(store: Transaction): Promise<Signer> {
    const signer = await ports.signers.of(store, await resolveIssuer(store, DEFAULT_REF));
    if (signer.issuer.keyId !== '') return signer;
    throw invalidRequest(
      `unable to fetch corresponding key for issuer ${signer.issuer.id}; unable to use this issuer for signing`,
    );
  }

  async function authority(
    request: Request<object>,
    store: Transaction,
    form: 'der' | 'pem',
  ): Promise<Reply> {
    const type = form === 'der' ? CONTENT_TYPES.certificate : CONTENT_TYPES.certificatePem;
    return await orNothing(type, async () => {
      const signer = await defaultIssuer(store);
      return (
        notModified(request, signer.issuer.lastModifiedMs) ??
        rawReply(type, form === 'der' ? signer.certificate.der : signer.pem)
      );
    });
  }

  async function chainText(store: Transaction): Promise<string> {
    const { chain } = await defaultIssuer(store);
    return chain.map((each) => each.pem).join('\n');
  }

  async function list(
    request: Request<object>,
    store: Transaction,
    form: 'der' | 'pem',
    isDelta: boolean,
  ): Promise<Reply> {
    const type = form === 'der' ? CONTENT_TYPES.list : CONTENT_TYPES.listPem;
    return await orNothing(type, async () => {
      const { id } = await resolveIssuer(store, DEFAULT_REF);
      const unchanged = await unchangedList(request, store, isDelta);
      if (unchanged !== undefined) return unchanged;
      const der = (await findCrl(store, id, isDelta)) ?? Buffer.alloc(0);
      return rawReply(type, form === 'der' || der.length === 0 ? der : crlPem(der));
    });
  }

  async function unchangedList(
    request: Request<object>,
    store: Transaction,
    isDelta: boolean,
  ): Promise<Reply | undefined> {
    const state = await crlState(store);
    return notModified(request, isDelta ? state.deltaLastModifiedMs : state.lastModifiedMs);
  }

  async function listAsData(
    request: Request<object>,
    store: Transaction,
    isDelta: boolean,
  ): Promise<Reply> {
    const { id } = await resolveIssuer(store, DEFAULT_REF);
    const unchanged = await unchangedList(request, store, isDelta);
    if (unchanged !== undefined) return unchanged;
    const der = await findCrl(store, id, isDelta);
    if (der === undefined) throw invalidRequest(`unable to find CRL for issuer: id:${id}`);
    return shown(crlPem(der));
  }

  async function certificate(
    request: Request<{ readonly serial: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const { serial } = request.fields;
    if (serial === 'ca') {
      const { issuer, pem } = await defaultIssuer(store);
      return notModified(request, issuer.lastModifiedMs) ?? shown(pem);
    }
    const der = await findCertificate(store, serial);
    if (der === undefined) throw notFound();
    const pem = pemOf(der, 'CERTIFICATE');
    const revoked = await findRevoked(store, serialKey(serial));
    if (revoked === undefined) return shown(pem);
    const { revokedMs, issuerId } = revoked;
    return shown(pem, {
      revocation_time: Math.floor(revokedMs / 1000),
      revocation_time_rfc3339: formatTime(revokedMs),
      ...(issuerId === '' ? {} : { issuer_id: issuerId }),
    });
  }

  async function rawCertificate(
    request: Request<{ readonly serial: string }>,
    store: Transaction,
    form: 'der' | 'pem',
  ): Promise<Reply> {
    const { serial } = request.fields;
    if (serial === 'ca') return await authority(request, store, form);
    const der = (await findCertificate(store, serial)) ?? Buffer.alloc(0);
    if (form === 'der') return rawReply(CONTENT_TYPES.certificate, der);
    const text = der.length === 0 ? '' : pemOf(der, 'CERTIFICATE');
    return rawReply(CONTENT_TYPES.certificatePem, text);
  }

  const open = (
    pattern: string,
    synopsis: string,
    read: (request: Request<object>, store: Transaction) => Promise<Reply>,
  ): Path =>
    definePath({
      pattern,
      fields: {},
      unauthenticated: true,
      help: { synopsis },
      operations: { read: { summary: synopsis.replace(/\.$/, ''), handler: read } },
    });

  const bySerial = (
    pattern: string,
    synopsis: string,
    read: (request: Request<{ readonly serial: string }>, store: Transaction) => Promise<Reply>,
  ): Path =>
    definePath({
      pattern,
      fields: { serial: SERIAL_FIELD },
      unauthenticated: true,
      help: { synopsis },
      operations: { read: { summary: synopsis.replace(/\.$/, ''), handler: read } },
    });

  return [
    open('ca', 'Shows the default issuer’s certificate in DER.', (request, store) =>
      authority(request, store, 'der'),
    ),
    open('ca/pem', 'Shows the default issuer’s certificate in PEM.', (request, store) =>
      authority(request, store, 'pem'),
    ),
    open('ca_chain', 'Shows the default issuer’s chain in PEM.', (_request, store) =>
      orNothing(CONTENT_TYPES.certificate, async () =>
        rawReply(CONTENT_TYPES.certificate, await chainText(store)),
      ),
    ),
    open('cert/ca_chain', 'Shows the default issuer’s chain.', async (_request, store) => {
      const text = await chainText(store);
      return shown(text, { ca_chain: text });
    }),
    open('crl', 'Shows the default issuer’s revocation list in DER.', (request, store) =>
      list(request, store, 'der', false),
    ),
    open('crl/pem', 'Shows the default issuer’s revocation list in PEM.', (request, store) =>
      list(request, store, 'pem', false),
    ),
    open('crl/delta', 'Shows the default issuer’s delta list in DER.', (request, store) =>
      list(request, store, 'der', true),
    ),
    open('crl/delta/pem', 'Shows the default issuer’s delta list in PEM.', (request, store) =>
      list(request, store, 'pem', true),
    ),
    open('cert/crl', 'Shows the default issuer’s revocation list.', (request, store) =>
      listAsData(request, store, false),
    ),
    open('cert/delta-crl', 'Shows the default issuer’s delta list.', (request, store) =>
      listAsData(request, store, true),
    ),
    bySerial('cert/{serial:hex}', 'Shows a certificate by its serial number.', (request, store) =>
      certificate(request, store),
    ),
    bySerial('cert/{serial:hex}/raw', 'Shows a certificate in DER.', (request, store) =>
      rawCertificate(request, store, 'der'),
    ),
    bySerial('cert/{serial:hex}/raw/pem', 'Shows a certificate in PEM.', (request, store) =>
      rawCertificate(request, store, 'pem'),
    ),
  ];
}
