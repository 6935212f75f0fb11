/** Puts a certificate together and signs it, by an issuer or by its own key. */
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../../base/random.ts';
import { DerError } from '../../../crypto/der.ts';
import { isOid } from '../../../crypto/der-values.ts';
import { algorithmFor, keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import type { SignatureAlgorithm } from '../../../crypto/x509/algorithms.ts';
import {
  authorityInfoAccess,
  authorityKeyId,
  basicConstraints,
  distributionPoints,
  extendedKeyUsage,
  EXTENSION_OIDS,
  hasAltNames,
  KEY_USAGE,
  keyUsage,
  permittedDnsDomains,
  subjectAltName,
  subjectKeyId,
} from '../../../crypto/x509/extensions.ts';
import type { AltNames, Extension } from '../../../crypto/x509/extensions.ts';
import { keyIdOf } from '../../../crypto/x509/keys.ts';
import { makeCertificate } from '../../../crypto/x509/make-certificate.ts';
import { encodeSubject } from '../../../crypto/x509/names.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { AiaUrls } from '../authorities/records.ts';
import type { ReadySigner } from '../authorities/signer.ts';
import type { Named } from '../names/parameters.ts';
import { policiesExtension } from './policies.ts';
import type { Role } from '../roles/role.ts';
import { extendedUsageOids, keyUsageBits } from './usages.ts';
import type { Validity } from './validity.ts';

export interface Order {
  readonly role: Role;
  readonly named: Named;
  readonly validity: Validity;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeyInfo: Buffer;
  readonly urls: AiaUrls;
  /** Undefined: not an authority. */
  readonly authority?: {
    readonly pathLength: number | undefined;
    readonly permittedDnsDomains: readonly string[];
  };
  /** Signed for a request: the role decides the hash also where the issuer's key is a curve. */
  readonly forRequest?: boolean;
  /** Instead of the hash of the key. */
  readonly subjectKeyId?: Buffer | undefined;
  /** Taken over as they are, before what the role would say. */
  readonly verbatim?: {
    /** Name in DER. */
    readonly subject: Buffer;
    readonly altNames: AltNames;
    readonly extensions: readonly Extension[];
  };
}

/** By whom: an issuer, or the key itself. */
export type By = ReadySigner | { readonly self: KeyObject };

const SERIAL_BYTES = 20;

/** 158 random bits and a one before them: positive, and of one length (RFC 5280 §4.1.2.2). */
function newSerial(random: Random): Buffer {
  const bytes = random.bytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

const FLAGS = [
  ['server_flag', 'serverauth'],
  ['client_flag', 'clientauth'],
  ['code_signing_flag', 'codesigning'],
  ['email_protection_flag', 'emailprotection'],
] as const;

function usages({ role, authority }: Order): Extension[] {
  const asked = keyUsageBits(role.key_usage);
  const bits =
    authority === undefined
      ? asked
      : KEY_USAGE.certSign | KEY_USAGE.crlSign | (asked & KEY_USAGE.digitalSignature);
  const names = FLAGS.filter(([flag]) => role[flag]).map(([, name]) => name);
  const oids = extendedUsageOids(
    [...names, ...role.ext_key_usage],
    role.ext_key_usage_oids.filter(isOid),
  );
  return [
    ...(bits === 0 ? [] : [keyUsage(bits)]),
    ...(oids.length === 0 ? [] : [extendedKeyUsage(oids)]),
  ];
}

function constraints({ role, authority }: Order): Extension[] {
  if (authority !== undefined) return [basicConstraints(true, authority.pathLength)];
  return role.basic_constraints_valid_for_non_ca ? [basicConstraints(false)] : [];
}

function locations(urls: AiaUrls): { readonly access: Extension[]; readonly lists: Extension[] } {
  const { ocspServers, issuingCertificates, crlDistributionPoints } = urls;
  const hasAccess = ocspServers.length + issuingCertificates.length > 0;
  const deltas = urls.deltaCrlDistributionPoints;
  return {
    access: hasAccess ? [authorityInfoAccess(ocspServers, issuingCertificates)] : [],
    lists: [
      ...(crlDistributionPoints.length === 0
        ? []
        : [distributionPoints(crlDistributionPoints, EXTENSION_OIDS.crlDistributionPoints)]),
      ...(deltas.length === 0 ? [] : [distributionPoints(deltas, EXTENSION_OIDS.freshestCrl)]),
    ],
  };
}

const EMPTY_NAME_BYTES = 2;

/** In the usual order; of two with one identifier the verbatim one stays. */
function extensionsOf(
  order: Order,
  subject: Buffer,
  keyId: Buffer,
  issuerKeyId: Buffer,
): Extension[] {
  const { verbatim, authority } = order;
  const altNames = verbatim?.altNames ?? order.named.altNames;
  const isNameless = subject.length <= EMPTY_NAME_BYTES;
  const { access, lists } = locations(order.urls);
  const domains = authority?.permittedDnsDomains ?? [];
  const made = [
    ...usages(order),
    ...constraints(order),
    subjectKeyId(keyId),
    authorityKeyId(issuerKeyId),
    ...access,
    ...(hasAltNames(altNames) ? [subjectAltName(altNames, isNameless)] : []),
    ...policiesExtension(order.role.policy_identifiers),
    ...(domains.length === 0 ? [] : [permittedDnsDomains(domains)]),
    ...lists,
  ];
  const kept = verbatim?.extensions ?? [];
  return [...made.filter(({ oid }) => !kept.some((each) => each.oid === oid)), ...kept];
}

/** The certificate in DER. @throws {RequestError} a name that cannot be written */
export async function signOrder(order: Order, by: By, random: Random): Promise<Buffer> {
  const key = 'self' in by ? by.self : by.key;
  const algorithm = algorithmOfOrder(order, key);
  const subject = order.verbatim?.subject ?? encodeSubject(order.named.subject);
  const keyId = order.subjectKeyId ?? keyIdOf(order.publicKeyInfo);
  const issuerKeyId = 'self' in by ? keyId : by.subjectKeyId;
  try {
    return await makeCertificate(
      {
        serial: newSerial(random),
        issuer: 'self' in by ? subject : by.certificate.subject,
        subject,
        ...order.validity,
        publicKeyInfo: order.publicKeyInfo,
        extensions: extensionsOf(order, subject, keyId, issuerKeyId),
      },
      algorithm,
      key,
    );
  } catch (error) {
    if (error instanceof DerError)
      throw invalidRequest(`unable to create certificate: ${error.message}`);
    throw error;
  }
}

/** Curves decide the hash for themselves, but for a request. */
function algorithmOfOrder({ role, forRequest = false }: Order, key: KeyObject): SignatureAlgorithm {
  const hashBits = [256, 384, 512].includes(role.signature_bits) ? role.signature_bits : 0;
  const isRsa = keyTypeOf(key) === 'rsa';
  return algorithmFor(key, { hashBits: isRsa || forRequest ? hashBits : 0, pss: role.use_pss });
}
