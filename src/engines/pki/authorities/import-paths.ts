/** Issuers from elsewhere: `issuers/import`, `config/ca`, `intermediate/set-signed`. */
import { DerError } from '../../../crypto/der.ts';
import { readCertificate } from '../../../crypto/x509/certificate.ts';
import { readPrivateKey } from '../../../crypto/x509/keys.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, RequestError } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { rebuildCrls, rebuildWarnings } from '../revocation/crl.ts';
import { Authorities } from './authorities.ts';
import { pemBlocks } from './key-paths.ts';
import { globalUrls } from './urls.ts';
import { urlWarnings } from './warnings.ts';
import type { Reply } from '../../../model/reply.ts';

const BUNDLE_LENGTH_MIN = 75;
const CERTIFICATE_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE'];
/** Labels of what stands in bundles without being a key or an issuer. */
const PASSED_OVER = ['CRL', 'X509 CRL', 'EC PARAMS', 'EC PARAMETERS'];

interface Values {
  readonly pem_bundle?: string | undefined;
  readonly certificate?: string | undefined;
}

interface Outcome {
  readonly mapping: Record<string, string>;
  readonly importedKeys: string[];
  readonly importedIssuers: string[];
  readonly existingKeys: string[];
  readonly existingIssuers: string[];
}

function bundleOf({ pem_bundle: bundle = '', certificate = '' }: Values): string {
  if (bundle === '' && certificate === '') {
    throw invalidRequest("'pem_bundle' and 'certificate' parameters were empty");
  }
  if (bundle !== '' && certificate !== '') {
    throw invalidRequest("'pem_bundle' and 'certificate' parameters were both provided");
  }
  const text = bundle || certificate;
  if (text.length >= BUNDLE_LENGTH_MIN) return text;
  throw invalidRequest(
    'provided data for import was too short; perhaps a path was passed to the API rather than the contents of a PEM file',
  );
}

function importAll(all: Authorities, text: string, keysAllowed: boolean): Outcome {
  const outcome: Outcome = {
    mapping: {},
    importedKeys: [],
    importedIssuers: [],
    existingKeys: [],
    existingIssuers: [],
  };
  const blocks = pemBlocks(text).filter(({ label }) => !PASSED_OVER.includes(label));
  const keys = blocks.filter(({ label }) => !CERTIFICATE_LABELS.includes(label));
  if (keys.length > 0 && !keysAllowed) {
    throw invalidRequest(
      'private keys found in the PEM bundle but not allowed by the path; use /issuers/import/bundle',
    );
  }
  for (const [index, block] of keys.entries()) {
    const key = readPrivateKey(block.text);
    if (key === undefined) {
      throw invalidRequest(`Error parsing key ${index}: failed to parse PEM block`);
    }
    const { id, existed } = all.importKey(key, '');
    (existed ? outcome.existingKeys : outcome.importedKeys).push(id);
  }
  const certificates = blocks.filter(({ label }) => CERTIFICATE_LABELS.includes(label));
  for (const [index, { bytes }] of certificates.entries()) {
    const { id, record, existed } = imported(all, bytes, index);
    outcome.mapping[id] = record.keyId;
    (existed ? outcome.existingIssuers : outcome.importedIssuers).push(id);
  }
  return outcome;
}

function imported(
  all: Authorities,
  der: Buffer,
  index: number,
): ReturnType<Authorities['importIssuer']> {
  try {
    return all.importIssuer(readCertificate(der), '');
  } catch (error) {
    if (!(error instanceof RequestError) && !(error instanceof DerError)) throw error;
    throw invalidRequest(`Error parsing issuer ${index}: ${error.message}`);
  }
}

function followLatest(all: Authorities, { importedIssuers, mapping }: Outcome): string[] {
  if (!all.defaultFollowsLatest) return [];
  const [only, ...more] = importedIssuers.filter((id) => mapping[id] !== '');
  if (more.length > 0) {
    return [
      'Default issuer left unchanged: could not select new issuer automatically as multiple imported issuers had key material in Vault.',
    ];
  }
  if (only !== undefined) all.setDefaultIssuer(only);
  return [];
}

function defaultWarnings(all: Authorities, { importedIssuers, mapping }: Outcome): string[] {
  const warnings: string[] = [];
  const { defaultIssuer } = all;
  if (mapping[defaultIssuer] === '') {
    warnings.push(
      'The default issuer has no key associated with it. Some operations like issuing certificates and signing CRLs will be unavailable with the requested default issuer until a key is imported or the default issuer is changed.',
    );
  }
  const withKeys = importedIssuers.filter((id) => mapping[id] !== '');
  if (withKeys.length > 1 && importedIssuers.includes(defaultIssuer)) {
    warnings.push(
      'The imported bundle contained multiple certs matching keys, the default issuer that was selected should be verified and manually changed if incorrect.',
    );
  }
  return warnings;
}

/** An empty list is shown as the reference shows it. */
function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

export function importPaths(ports: PkiPorts): readonly Path[] {
  async function importIssuers(
    { fields, nowMs }: Request<Values>,
    store: Transaction,
    keysAllowed: boolean,
  ): Promise<Reply> {
    const text = bundleOf(fields);
    const all = await Authorities.load(store, ports.random, nowMs);
    const outcome = importAll(all, text, keysAllowed && fields.certificate === undefined);
    const warnings = followLatest(all, outcome);
    warnings.push(...defaultWarnings(all, outcome));
    warnings.push(...urlWarnings(await globalUrls(store)));
    all.save();
    if (outcome.importedIssuers.length > 0 || outcome.importedKeys.length > 0) {
      const rebuilt = await rebuildCrls(ports, store, { nowMs, force: true });
      warnings.push(...rebuildWarnings(rebuilt));
    }
    return {
      data: {
        mapping: outcome.mapping,
        imported_keys: orNull(outcome.importedKeys),
        imported_issuers: orNull(outcome.importedIssuers),
        existing_keys: orNull(outcome.existingKeys),
        existing_issuers: orNull(outcome.existingIssuers),
      },
      warnings,
    };
  }

  const bundle = {
    pem_bundle: {
      kind: 'string',
      description: 'Certificates in PEM, and private keys where the path allows them.',
    },
  } as const;
  const path = (pattern: string, synopsis: string, keysAllowed: boolean): Path =>
    definePath({
      pattern,
      fields: bundle,
      help: { synopsis },
      operations: {
        update: {
          summary: synopsis.replace(/\.$/, ''),
          handler: (request, store) => importIssuers(request, store, keysAllowed),
        },
      },
    });

  return [
    path('issuers/import/bundle', 'Imports issuers with their keys.', true),
    path('issuers/import/cert', 'Imports issuers without keys.', false),
    path('config/ca', 'Imports an issuer with its key, under the old name.', true),
    definePath({
      pattern: 'intermediate/set-signed',
      fields: {
        certificate: {
          kind: 'string',
          description: 'The certificate in PEM, with those above it if wanted.',
        },
      },
      help: { synopsis: 'Imports the certificate that was made for a request of this mount.' },
      operations: {
        update: {
          summary: 'Import a signed certificate',
          handler: (request, store) => importIssuers(request, store, false),
        },
      },
    }),
  ];
}
