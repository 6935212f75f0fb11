/** Another root, signed as it is by an issuer of this mount: the other way of cross-signing. */
import { DerError } from '../../../crypto/der.ts';
import { nextPem } from '../../../crypto/pem.ts';
import { algorithmFor, algorithmOf, keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import { isAuthority, isSelfIssued, readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import {
  authorityInfoAccess,
  authorityKeyId,
  distributionPoints,
  EXTENSION_OIDS,
} from '../../../crypto/x509/extensions.ts';
import { readPublicKey } from '../../../crypto/x509/keys.ts';
import { makeCertificate } from '../../../crypto/x509/make-certificate.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { AiaUrls } from '../authorities/records.ts';
import type { ReadySigner } from '../authorities/signer.ts';

/** @throws {RequestError} it is no root */
export function parseRoot(pem: string): Certificate {
  const found = nextPem(pem);
  if (found === undefined) throw invalidRequest('certificate could not be PEM-decoded');
  const certificate = readOrRefuse(found.block.bytes);
  if (!isAuthority(certificate)) throw invalidRequest('given certificate is not a CA certificate');
  if (!isSelfIssued(certificate)) throw invalidRequest('given certificate is not self-issued');
  return certificate;
}

function readOrRefuse(der: Buffer): Certificate {
  try {
    return readCertificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw invalidRequest(`error parsing certificate: ${error.message}`);
  }
}

const REPLACED: readonly string[] = [
  EXTENSION_OIDS.authorityKeyId,
  EXTENSION_OIDS.authorityInfoAccess,
  EXTENSION_OIDS.crlDistributionPoints,
];

export interface CrossSigning {
  readonly certificate: Certificate;
  readonly signer: ReadySigner;
  readonly urls: AiaUrls;
  /** Refused when the issuer’s key is of another type. */
  readonly sameAlgorithm: boolean;
}

/** The certificate in DER. @throws {RequestError} */
export async function crossSign(task: CrossSigning): Promise<Buffer> {
  const { certificate, signer, urls } = task;
  const key = readPublicKey(certificate.publicKeyInfo);
  const type = key === undefined ? undefined : keyTypeOf(key);
  const isSame = type === keyTypeOf(signer.key);
  if (!isSame && task.sameAlgorithm) {
    throw invalidRequest(
      `signing certificate's public key algorithm (${keyTypeOf(signer.key) ?? 'unknown'}) does not match submitted certificate's (${type ?? 'unknown'}), and require_matching_certificate_algorithms is true`,
    );
  }
  const before = isSame ? algorithmOf(certificate.algorithm) : undefined;
  const { ocspServers, issuingCertificates, crlDistributionPoints: lists } = urls;
  const hasAccess = ocspServers.length + issuingCertificates.length > 0;
  return await makeCertificate(
    {
      ...certificate,
      issuer: signer.certificate.subject,
      extensions: [
        ...certificate.extensions.filter(({ oid }) => !REPLACED.includes(oid)),
        authorityKeyId(signer.subjectKeyId),
        ...(hasAccess ? [authorityInfoAccess(ocspServers, issuingCertificates)] : []),
        ...(lists.length === 0
          ? []
          : [distributionPoints(lists, EXTENSION_OIDS.crlDistributionPoints)]),
      ],
    },
    before ?? algorithmFor(signer.key),
    signer.key,
  );
}
