/** Intermediates: a request for another authority, and certificates for requests of others. */
import { algorithmFor } from '../../../crypto/x509/algorithms.ts';
import {
  basicConstraintsOf,
  readCertificate,
  serialText,
} from '../../../crypto/x509/certificate.ts';
import {
  basicConstraints,
  EXTENSION_OIDS,
  hasAltNames,
  subjectAltName,
} from '../../../crypto/x509/extensions.ts';
import { pemOf } from '../../../crypto/pem.ts';
import { publicKeyInfoOf, writeKey } from '../../../crypto/x509/keys.ts';
import { encodeSubject, flatName, readName } from '../../../crypto/x509/names.ts';
import { makeRequest } from '../../../crypto/x509/request.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { Authorities } from '../authorities/authorities.ts';
import { newKeyName } from '../authorities/key-paths.ts';
import { globalUrls, urlsOf } from '../authorities/urls.ts';
import {
  pathLengthWarnings,
  requestUrlWarnings,
  subjectWarnings,
  urlWarnings,
} from '../authorities/warnings.ts';
import type { PkiPorts } from '../ports.ts';
import { allowedNames } from '../names/allowed-names.ts';
import { certificateData, formatOf, keyData } from './answers.ts';
import { ownKey, subjectRole } from './authority-role.ts';
import type { AuthorityValues, KeyValues } from './authority-role.ts';
import { parseCsr, roleForKey } from './csr.ts';
import {
  AUTHORITY_LIMIT_FIELDS,
  CSR,
  FORMAT_FIELDS,
  ISSUER_NAME,
  ISSUER_REF,
  KEY_BITS,
  KEY_NAME,
  KEY_REF,
  KEY_TYPE,
  KEY_USAGE_FIELDS,
  NAME_FIELDS,
  NOT_BEFORE_DURATION,
  SIGNATURE_FIELDS,
  SUBJECT_FIELDS,
} from './fields.ts';
import { namesFor, requestedNames } from '../names/parameters.ts';
import { pathLengthOf, withAskedUsages } from './root-paths.ts';
import type { CaUsageValues } from './root-paths.ts';
import { crossSign, parseRoot } from './self-issued.ts';
import { signOrder } from './sign.ts';
import type { Order } from './sign.ts';
import { keepNew } from './stored-certificates.ts';
import { readTime, validityOf } from './validity.ts';
import type { Reply } from '../../../model/reply.ts';

const AUTHORITY_FIELDS = {
  ...FORMAT_FIELDS,
  ...NAME_FIELDS,
  ...SUBJECT_FIELDS,
  ...SIGNATURE_FIELDS,
  not_before_duration: NOT_BEFORE_DURATION,
};

const GENERATE_FIELDS = {
  ...AUTHORITY_FIELDS,
  exported: {
    kind: 'string',
    description: 'Whether the key is `internal`, `exported` or an `existing` one.',
    default: '',
  },
  key_type: KEY_TYPE,
  key_bits: KEY_BITS,
  key_ref: KEY_REF,
  key_name: KEY_NAME,
  add_basic_constraints: {
    kind: 'bool',
    description: 'The request says that it is for an authority; some demand that.',
    default: false,
  },
} as const;

const SIGN_FIELDS = {
  ...AUTHORITY_FIELDS,
  ...KEY_USAGE_FIELDS,
  ...AUTHORITY_LIMIT_FIELDS,
  issuer_name: ISSUER_NAME,
  csr: CSR,
  use_csr_values: {
    kind: 'bool',
    description: 'Subject, names and extensions are those of the request.',
    default: false,
  },
  skid: {
    kind: 'string',
    description:
      'Subject key identifier in hex, to be the same as in another certificate of the key.',
  },
  issuer_ref: ISSUER_REF,
} as const;

interface GenerateValues extends AuthorityValues, KeyValues {
  readonly key_name: string | undefined;
  readonly add_basic_constraints: boolean;
}

interface SignValues extends AuthorityValues, CaUsageValues {
  readonly csr: string;
  readonly use_csr_values: boolean;
  readonly skid: string | undefined;
  readonly issuer_ref: string;
}

const SELF_ISSUED_FIELDS = {
  certificate: { kind: 'string', description: 'The other root in PEM.', default: '' },
  require_matching_certificate_algorithms: {
    kind: 'bool',
    description: 'Refused unless both keys are of one type.',
    default: false,
  },
  issuer_ref: ISSUER_REF,
} as const;

interface SelfIssuedValues {
  readonly certificate: string;
  readonly require_matching_certificate_algorithms: boolean;
  readonly issuer_ref: string;
}

const OUTLIVES =
  "The expiration time for the signed certificate is after the CA's expiration time. If the new certificate is not treated as a root, validation paths with the certificate past the issuing CA's expiration time will fail.";

function keyIdentifier(text: string | undefined): Buffer | undefined {
  if (text === undefined || text === '') return undefined;
  const hex = text.replace(/[:\- ]/g, '');
  if (!/^(?:[0-9a-fA-F]{2}){1,64}$/.test(hex)) {
    throw invalidRequest('cannot parse requested SKID value as hex');
  }
  return Buffer.from(hex, 'hex');
}

/** One less than the issuer’s own, when nothing else was asked for. */
function lengthBelow(asked: number | undefined, issuer: number | undefined): number | undefined {
  if (asked !== undefined) return pathLengthOf(asked);
  return issuer === undefined ? undefined : Math.max(0, issuer - 1);
}

export function intermediatePaths(ports: PkiPorts): readonly Path[] {
  async function generate(
    request: Request<GenerateValues>,
    store: Transaction,
    isCrossSign: boolean,
  ): Promise<Reply> {
    const { nowMs } = request;
    const fields = isCrossSign ? { ...request.fields, exported: 'existing' } : request.fields;
    const all = await Authorities.load(store, ports.random, nowMs);
    const { role, form, key, isExported } = await ownKey(store, all, fields, request.data);
    const keyName = newKeyName(all, fields.key_name);
    // A request has no end; one that is no time is a mistake all the same.
    if (fields.not_after !== undefined && fields.not_after !== '') readTime(fields.not_after);
    const { subject, altNames } = namesFor(
      fields,
      await allowedNames(ports, role, request.principal),
      undefined,
    );
    const der = await makeRequest(
      {
        subject: encodeSubject(subject),
        publicKeyInfo: publicKeyInfoOf(key),
        extensions: [
          ...(hasAltNames(altNames) ? [subjectAltName(altNames, false)] : []),
          ...(fields.add_basic_constraints ? [basicConstraints(true)] : []),
        ],
      },
      algorithmFor(key, { hashBits: role.key_type === 'rsa' ? role.signature_bits : 0 }),
      key,
    );
    const { id } = all.importKey(key, keyName);
    all.save();
    const shown = isExported ? keyData(writeKey(key), form) : {};
    const pem = pemOf(der, 'CERTIFICATE REQUEST');
    const bundled = form.format === 'pem_bundle' && isExported;
    const csr = bundled ? `${String(shown['private_key'])}\n${pem}` : pem;
    return {
      data: {
        csr: form.format === 'der' ? der.toString('base64') : csr,
        ...shown,
        key_id: id,
      },
      warnings: requestUrlWarnings(await globalUrls(store)),
    };
  }

  async function sign(request: Request<SignValues>, store: Transaction): Promise<Reply> {
    const { fields, mount, nowMs } = request;
    const form = {
      format: formatOf(fields.format),
      private_key_format: fields.private_key_format,
    };
    const signer = await ports.signers.ready(store, fields.issuer_ref, 'issuing-certificates');
    const csr = parseCsr(fields.csr);
    const basis = withAskedUsages(subjectRole(fields), fields, request.data);
    const role = roleForKey({ ...basis, use_csr_common_name: fields.common_name === '' }, csr);
    const named = namesFor(fields, await allowedNames(ports, role, request.principal), csr);
    const validity = validityOf(fields, { role, mount, nowMs, issuer: undefined });
    if (signer.pathLength === 0) {
      throw invalidRequest(
        'signing certificate has a max path length of zero, and cannot issue further CA certificates',
      );
    }
    const urls = await urlsOf(store, signer.issuer);
    const order: Order = {
      role,
      named,
      validity,
      urls,
      forRequest: true,
      publicKeyInfo: csr.publicKeyInfo,
      subjectKeyId: keyIdentifier(fields.skid),
      authority: {
        pathLength: lengthBelow(fields.max_path_length, signer.pathLength),
        permittedDnsDomains: fields.permitted_dns_domains,
      },
      ...(fields.use_csr_values
        ? {
            verbatim: {
              subject: flatName(readName(csr.subject)),
              altNames: requestedNames(csr),
              extensions: csr.extensions.filter(
                ({ oid }) => oid !== EXTENSION_OIDS.basicConstraints,
              ),
            },
          }
        : {}),
    };
    const certificate = readCertificate(await signOrder(order, signer, ports.random));
    keepNew(store, certificate);
    const itself = { certificate, pem: pemOf(certificate.der, 'CERTIFICATE') };
    const outlives = signer.certificate.notAfterMs < certificate.notAfterMs;
    return {
      data: {
        ...certificateData(
          { certificate, issuer: signer.certificate, chain: [itself, ...signer.chain] },
          form,
        ),
        ...(form.format === 'pem_bundle'
          ? { certificate: [itself, ...signer.chain].map((each) => each.pem).join('\n') }
          : {}),
        expiration: certificate.notAfterMs / 1000,
        serial_number: serialText(certificate.serial),
      },
      warnings: [
        ...(outlives ? [OUTLIVES] : []),
        ...subjectWarnings(certificate),
        ...urlWarnings(urls),
        ...pathLengthWarnings(basicConstraintsOf(certificate)?.pathLength, 'signed'),
        ...validity.warnings,
      ],
    };
  }

  async function signSelfIssued(
    request: Request<SelfIssuedValues>,
    store: Transaction,
  ): Promise<Reply> {
    const { fields } = request;
    const certificate = parseRoot(fields.certificate);
    const signer = await ports.signers.ready(store, fields.issuer_ref, 'issuing-certificates');
    const urls = await urlsOf(store, signer.issuer);
    const sameAlgorithm = fields.require_matching_certificate_algorithms;
    const der = await crossSign({ certificate, signer, urls, sameAlgorithm });
    return {
      data: { certificate: pemOf(der, 'CERTIFICATE'), issuing_ca: signer.pem },
    };
  }

  const generatePath = (pattern: string, synopsis: string, isCrossSign = false): Path =>
    definePath({
      pattern,
      fields: GENERATE_FIELDS,
      help: { synopsis },
      operations: {
        update: {
          summary: synopsis.replace(/\.$/, ''),
          handler: (request, store) => generate(request, store, isCrossSign),
        },
      },
    });
  const signPath = (pattern: string): Path =>
    definePath({
      pattern,
      fields: SIGN_FIELDS,
      help: { synopsis: 'Makes an authority’s certificate for a request.' },
      operations: { update: { summary: 'Sign the request of an authority', handler: sign } },
    });
  const selfIssuedPath = (pattern: string, sudo: boolean): Path =>
    definePath({
      pattern,
      fields: SELF_ISSUED_FIELDS,
      sudo,
      help: {
        synopsis: 'Signs another root as it is, so that both lead to it.',
        description:
          'Everything but issuer and URLs is taken over as it is: whoever may call this can certify any root.',
      },
      operations: { update: { summary: 'Sign another root', handler: signSelfIssued } },
    });

  return [
    generatePath('intermediate/generate/{exported}', 'Makes a key and a request for an authority.'),
    generatePath('issuers/generate/intermediate/{exported}', 'Makes a request for an authority.'),
    generatePath(
      'intermediate/cross-sign',
      'Makes a request for a key that is here, for another authority to sign.',
      true,
    ),
    signPath('root/sign-intermediate'),
    signPath('issuer/{issuer_ref}/sign-intermediate'),
    selfIssuedPath('root/sign-self-issued', true),
    selfIssuedPath('issuer/{issuer_ref}/sign-self-issued', false),
  ];
}
