/** An issuer’s certificate and lists for everyone, without a token. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { chainPems, issuerPem } from '../authorities/issuer-shown.ts';
import { resolveIssuer } from '../authorities/resolve.ts';
import { ISSUER_REF } from '../making/fields.ts';
import { crlState, findCrl } from '../revocation/crl.ts';
import { CONTENT_TYPES, crlPem, notModified, rawReply } from './raw.ts';
import type { Reply } from '../../../model/reply.ts';

type Named = Request<{ readonly issuer_ref: string }>;
type Form = 'der' | 'pem' | 'json';

async function certificate(request: Named, store: Transaction, form: Form): Promise<Reply> {
  const issuer = await resolveIssuer(store, request.fields.issuer_ref);
  const unchanged = notModified(request, issuer.lastModifiedMs);
  if (unchanged !== undefined) return unchanged;
  if (form === 'der') {
    return rawReply(CONTENT_TYPES.certificate, Buffer.from(issuer.certificate, 'base64'));
  }
  if (form === 'pem') return rawReply(CONTENT_TYPES.certificatePem, issuerPem(issuer));
  return {
    data: {
      certificate: issuerPem(issuer),
      ca_chain: await chainPems(store, issuer),
      issuer_id: issuer.id,
      issuer_name: issuer.name,
    },
  };
}

async function list(
  request: Named,
  store: Transaction,
  form: Form,
  isDelta: boolean,
): Promise<Reply> {
  const { id } = await resolveIssuer(store, request.fields.issuer_ref);
  const state = await crlState(store);
  const unchanged = notModified(
    request,
    isDelta ? state.deltaLastModifiedMs : state.lastModifiedMs,
  );
  if (unchanged !== undefined) return unchanged;
  if (state.lists[id] === undefined) {
    throw invalidRequest(
      `unable to find CRL for issuer: id:${id}/ref:${request.fields.issuer_ref}`,
    );
  }
  const der = (await findCrl(store, id, isDelta)) ?? Buffer.alloc(0);
  if (form === 'der') return rawReply(CONTENT_TYPES.list, der);
  const text = der.length === 0 ? '' : `${crlPem(der)}\n`;
  return form === 'pem' ? rawReply(CONTENT_TYPES.listPem, text) : { data: { crl: text } };
}

function open(
  pattern: string,
  synopsis: string,
  read: (request: Named, store: Transaction) => Promise<Reply>,
): Path {
  return definePath({
    pattern: `issuer/{issuer_ref}/${pattern}`,
    fields: { issuer_ref: ISSUER_REF },
    unauthenticated: true,
    help: { synopsis },
    operations: { read: { summary: synopsis.replace(/\.$/, ''), handler: read } },
  });
}

export function issuerRawPaths(): readonly Path[] {
  const certificates = (['json', 'der', 'pem'] as const).map((form) =>
    open(form, `Shows an issuer’s certificate as ${form.toUpperCase()}.`, (request, store) =>
      certificate(request, store, form),
    ),
  );
  const lists = ([false, true] as const).flatMap((isDelta) => {
    const base = isDelta ? 'crl/delta' : 'crl';
    const what = isDelta ? 'delta list' : 'revocation list';
    return [
      open(base, `Shows an issuer’s ${what}.`, (request, store) =>
        list(request, store, 'json', isDelta),
      ),
      ...(['der', 'pem'] as const).map((form) =>
        open(
          `${base}/${form}`,
          `Shows an issuer’s ${what} in ${form.toUpperCase()}.`,
          (request, store) => list(request, store, form, isDelta),
        ),
      ),
    ];
  });
  return [...certificates, ...lists];
}
