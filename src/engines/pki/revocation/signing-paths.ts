/** `issuer/REF/resign-crls` and `sign-revocation-list`: lists that the caller puts together, signed by an issuer. */
import { parseSeconds } from '../../../base/duration.ts';
import type { JsonValue } from '../../../base/json.ts';
import { DerError } from '../../../crypto/der.ts';
import { nextPem, pemOf } from '../../../crypto/pem.ts';
import { algorithmFor, findAlgorithm } from '../../../crypto/x509/algorithms.ts';
import { serialText } from '../../../crypto/x509/certificate.ts';
import { authorityKeyId, crlNumber, deltaCrlIndicator } from '../../../crypto/x509/extensions.ts';
import type { Extension } from '../../../crypto/x509/extensions.ts';
import { makeRevocationList, readRevocationList } from '../../../crypto/x509/revocation-list.ts';
import type { RevocationList, RevokedEntry } from '../../../crypto/x509/revocation-list.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { ReadySigner } from '../authorities/signer.ts';
import { resolveIssuer } from '../authorities/resolve.ts';
import { ISSUER_REF } from '../making/fields.ts';
import type { PkiPorts } from '../ports.ts';
import { wantedEntries, wantedExtensions } from './wanted-entries.ts';
import type { Reply } from '../../../model/reply.ts';

const FIELDS = {
  issuer_ref: ISSUER_REF,
  crl_number: { kind: 'int', description: 'Number of the list.', default: 0 },
  delta_crl_base_number: {
    kind: 'int',
    description: 'Number of the complete list that this one adds to; -1 for a complete list.',
    default: -1,
  },
  next_update: { kind: 'string', description: 'How long the list holds.', default: '72h' },
  format: {
    kind: 'string',
    description: 'Form of the answer: pem, or der in base64.',
    default: 'pem',
  },
} as const;

interface ListValues {
  readonly issuer_ref: string;
  readonly crl_number: number;
  readonly delta_crl_base_number: number;
  readonly next_update: string;
  readonly format: string;
}

interface Form {
  readonly isDer: boolean;
  readonly lifetimeMs: number;
}

function formOf(fields: ListValues): Form {
  const format = fields.format.toLowerCase();
  if (format !== 'pem' && format !== 'der') throw invalidRequest('unknown format value');
  const seconds = parseSeconds(fields.next_update);
  if (seconds === undefined) throw invalidRequest('invalid value for next_update: not a duration');
  if (seconds <= 0) throw invalidRequest('next_update parameter must be greater than 0');
  if (fields.crl_number < 0) throw invalidRequest('crl_number parameter must be 0 or greater');
  if (fields.delta_crl_base_number < -1) {
    throw invalidRequest('delta_crl_base_number parameter must be -1 or greater');
  }
  return { isDer: format === 'der', lifetimeMs: seconds * 1000 };
}

function readList(text: string, index: number): RevocationList {
  const found = nextPem(text);
  if (found === undefined || text.slice(found.end).trim() !== '') {
    throw invalidRequest(`failed decoding crl ${index}: invalid crl; should be one PEM block only`);
  }
  try {
    return readRevocationList(found.block.bytes);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw invalidRequest(`failed decoding crl ${index}: ${error.message}`);
  }
}

interface Combined {
  readonly entries: readonly RevokedEntry[];
  readonly warnings: readonly string[];
}

/** Every certificate once, with the time at which it was revoked first. */
function combined(lists: readonly RevocationList[]): Combined {
  const entries = new Map<string, RevokedEntry>();
  const warnings: string[] = [];
  for (const { serial, revokedMs } of lists.flatMap((each) => each.revoked)) {
    const key = serial.toString('hex');
    const known = entries.get(key);
    if (known !== undefined && known.revokedMs !== revokedMs) {
      warnings.push(
        `Duplicate serial ${serialText(serial)} with different revocation times detected, using oldest revocation time`,
      );
    }
    if (known === undefined || revokedMs < known.revokedMs) entries.set(key, { serial, revokedMs });
  }
  return { entries: [...entries.values()], warnings };
}

export function crlSigningPaths(ports: PkiPorts): readonly Path[] {
  async function signerOf(store: Transaction, reference: string): Promise<ReadySigner> {
    const issuer = await resolveIssuer(store, reference);
    return await ports.signers.readyOf(store, issuer, 'crl-signing');
  }

  async function signed(
    { fields, nowMs }: Request<ListValues>,
    { certificate, issuer, key, subjectKeyId }: ReadySigner,
    revoked: readonly RevokedEntry[],
    extensions: readonly Extension[] = [],
  ): Promise<string> {
    const { isDer, lifetimeMs } = formOf(fields);
    const base = fields.delta_crl_base_number;
    const der = await makeRevocationList(
      {
        issuer: certificate.subject,
        thisUpdateMs: nowMs,
        nextUpdateMs: nowMs + lifetimeMs,
        revoked,
        extensions: [
          authorityKeyId(subjectKeyId),
          crlNumber(fields.crl_number),
          ...extensions,
          ...(base < 0 ? [] : [deltaCrlIndicator(base)]),
        ],
      },
      findAlgorithm(issuer.revocationAlgorithm) ?? algorithmFor(key),
      key,
    );
    return isDer ? der.toString('base64') : `${pemOf(der, 'X509 CRL')}\n`;
  }

  async function resign(
    request: Request<ListValues & { readonly crls: readonly string[] }>,
    store: Transaction,
  ): Promise<Reply> {
    formOf(request.fields);
    const lists = request.fields.crls.map(readList);
    const signer = await signerOf(store, request.fields.issuer_ref);
    const { publicKeyInfo } = signer.certificate;
    const foreign = lists.findIndex((each) => !each.isSignedBy(publicKeyInfo));
    if (foreign >= 0) {
      throw invalidRequest(`CRL index: ${foreign} was not signed by requested issuer`);
    }
    const { entries, warnings } = combined(lists);
    return { data: { crl: await signed(request, signer, entries) }, warnings };
  }

  async function sign(
    request: Request<
      ListValues & {
        readonly revoked_certs: readonly JsonValue[];
        readonly extensions: readonly JsonValue[];
      }
    >,
    store: Transaction,
  ): Promise<Reply> {
    const { fields } = request;
    formOf(fields);
    const entries = wantedEntries(fields.revoked_certs);
    const extensions = wantedExtensions(fields.extensions);
    const signer = await signerOf(store, fields.issuer_ref);
    return { data: { crl: await signed(request, signer, entries, extensions) } };
  }

  return [
    definePath({
      pattern: 'issuer/{issuer_ref}/resign-crls',
      fields: {
        ...FIELDS,
        crls: { kind: 'string_list', description: 'Lists of the issuer in PEM.', default: [] },
      },
      help: { synopsis: 'Combines lists of an issuer into one.' },
      operations: { update: { summary: 'Combine revocation lists', handler: resign } },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}/sign-revocation-list',
      fields: {
        ...FIELDS,
        revoked_certs: {
          kind: 'list',
          description: 'What is revoked: serial_number, revocation_time, extensions.',
          default: [],
        },
        extensions: {
          kind: 'list',
          description: 'Extensions of the list: id, critical, value in base64.',
          default: [],
        },
      },
      help: { synopsis: 'Signs a list that the caller puts together.' },
      operations: { update: { summary: 'Sign a revocation list', handler: sign } },
    }),
  ];
}
