/** `revoke`, `revoke-with-key`, and the end of a certificate’s lease. */
import { createPublicKey } from 'node:crypto';
import { formatTime } from '../../../base/time-format.ts';
import { DerError } from '../../../crypto/der.ts';
import { nextPem } from '../../../crypto/pem.ts';
import { isAuthority, readCertificate, serialText } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { readPrivateKey } from '../../../crypto/x509/keys.ts';
import { definePath } from '../../../model/backend.ts';
import type { LeaseContext, Path, SecretType } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { LIST_FIELDS, listNames } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import {
  CERTIFICATES,
  findCertificate,
  serialKey,
  serialKeyOf,
} from '../making/stored-certificates.ts';
import type { PkiPorts } from '../ports.ts';
import { crlConfig } from './config.ts';
import { rebuildCrls, rebuildWarnings } from './crl.ts';
import { associate, issuerCertificates } from './issuers-of.ts';
import { findRevoked, putRevoked, RECENT, REVOKED } from './revoked.ts';
import type { Reply } from '../../../model/reply.ts';

const PEM_LENGTH_MIN = 75;
const KEY_LENGTH_MIN = 64;
/** A certificate that ends within this time is as good as expired. */
const EXPIRED_MS = 2000;

function revokedData(revokedMs: number): Readonly<Record<string, unknown>> {
  return {
    revocation_time: Math.floor(revokedMs / 1000),
    revocation_time_rfc3339: formatTime(revokedMs),
    state: 'revoked',
  };
}

/** Revokes a certificate of this mount; once is enough. @throws {RequestError} it is an issuer’s */
export async function revokeCertificate(
  ports: PkiPorts,
  store: Transaction,
  certificate: Certificate,
  nowMs: number,
): Promise<Reply> {
  const key = serialKeyOf(certificate);
  const serial = serialText(certificate.serial);
  const parents = await issuerCertificates(store);
  const same = parents.find((each) => each.certificate.serial.equals(certificate.serial));
  if (same !== undefined) {
    throw invalidRequest(`adding issuer (id: ${same.id}) to its own CRL is not allowed`);
  }
  const before = await findRevoked(store, key);
  if (before !== undefined) return { data: revokedData(before.revokedMs) };
  const config = await crlConfig(store);
  if (certificate.notAfterMs < nowMs + EXPIRED_MS && !config.allow_expired_cert_revocation) {
    return {
      data: null,
      warnings: [
        `certificate with serial ${serial} already expired; refusing to add to CRL. Enable 'AllowExpiredCertRevocation' to allow revoking expired certificates.`,
      ],
    };
  }
  const issuerId = associate(certificate, parents);
  const record = { key, revokedMs: nowMs, issuerId, notAfterMs: certificate.notAfterMs };
  putRevoked(store, record);
  const data = revokedData(nowMs);
  if (!config.auto_rebuild) {
    const warnings = await rebuildCrls(ports, store, { nowMs, added: [record] });
    return { data, warnings: rebuildWarnings(warnings) };
  }
  if (config.enable_delta) store.putJson(RECENT + key, {});
  return { data };
}

/** @throws {RequestError} */
export function parseCertificate(pem: string): Certificate {
  if (pem.length < PEM_LENGTH_MIN) {
    throw invalidRequest(
      'provided certificate data was too short; perhaps a path was passed to the API rather than the contents of a PEM file',
    );
  }
  const found = nextPem(pem);
  if (found === undefined) throw invalidRequest('certificate contains no PEM data');
  try {
    return readCertificate(found.block.bytes);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw invalidRequest(`certificate could not be parsed: ${error.message}`);
  }
}

interface Presented {
  readonly certificate: Certificate;
  readonly isStored: boolean;
}

async function presented(store: Reader, pem: string): Promise<Presented> {
  const certificate = parseCertificate(pem);
  const stored = await store.get(CERTIFICATES + serialKeyOf(certificate));
  if (stored !== undefined) {
    if (stored.equals(certificate.der)) return { certificate, isStored: true };
    throw invalidRequest(
      "certificate with same serial but unequal value already present in this cluster's storage; refusing to revoke",
    );
  }
  const parents = await issuerCertificates(store);
  if (associate(certificate, parents) !== '') return { certificate, isStored: false };
  throw invalidRequest(
    'unable to verify signature on presented cert from any present issuer in this mount; certificates from previous CAs will need to have their issuing CA and key re-imported if revocation is necessary',
  );
}

async function named(store: Reader, serial: string): Promise<Presented> {
  if (serial === '') throw invalidRequest('The serial number must be provided');
  const der = await findCertificate(store, serial);
  if (der === undefined) throw invalidRequest('certificate with this serial not found.');
  return { certificate: readCertificate(der), isStored: true };
}

function assertOwnKey(certificate: Certificate, pem: string | undefined): void {
  if (pem === undefined) {
    throw invalidRequest('Must have private key to revoke via the /revoke-with-key path.');
  }
  if (pem.length < KEY_LENGTH_MIN) {
    throw invalidRequest(
      'Provided data for private_key was too short; perhaps a path was passed to the API rather than the contents of a PEM file?',
    );
  }
  const key = readPrivateKey(pem);
  if (key === undefined) throw invalidRequest('failed to parse provided private key');
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
  if (!publicKey.equals(certificate.publicKeyInfo)) {
    throw invalidRequest("provided private key does not match certificate's public key");
  }
}

interface RevokeValues {
  readonly serial_number: string | undefined;
  readonly certificate: string | undefined;
  readonly private_key?: string | undefined;
}

const REVOKE_FIELDS = {
  serial_number: { kind: 'string', description: 'Serial number, with colons or hyphens.' },
  certificate: { kind: 'string', description: 'The certificate in PEM.' },
} as const;

export function certificateLease(ports: PkiPorts): SecretType {
  return {
    async revoke({ internal, nowMs }: LeaseContext, store): Promise<void> {
      const der = await findCertificate(store, internal['serial_number'] as string);
      if (der === undefined) return;
      const certificate = readCertificate(der);
      if (!isAuthority(certificate)) await revokeCertificate(ports, store, certificate, nowMs);
    },
  };
}

export function revokePaths(ports: PkiPorts): readonly Path[] {
  async function revoke(
    { fields, nowMs }: Request<RevokeValues>,
    store: Transaction,
    needsKey: boolean,
  ): Promise<Reply> {
    const { serial_number: serial, certificate: pem } = fields;
    if (serial === undefined && pem === undefined) {
      throw invalidRequest('The serial number or certificate to revoke must be provided.');
    }
    if (serial !== undefined && pem !== undefined) {
      throw invalidRequest(
        'Must provide either the certificate or the serial to revoke; not both.',
      );
    }
    const found =
      pem === undefined ? await named(store, serial ?? '') : await presented(store, pem);
    if (needsKey) assertOwnKey(found.certificate, fields.private_key);
    if (!found.isStored) {
      store.put(CERTIFICATES + serialKeyOf(found.certificate), found.certificate.der);
    }
    return await revokeCertificate(ports, store, found.certificate, nowMs);
  }

  return [
    definePath({
      pattern: 'revoke',
      fields: REVOKE_FIELDS,
      help: { synopsis: 'Revokes a certificate by its serial number, or as it is.' },
      operations: {
        update: {
          summary: 'Revoke a certificate',
          handler: (request, store) => revoke(request, store, false),
        },
      },
    }),
    definePath({
      pattern: 'revoke-with-key',
      fields: {
        ...REVOKE_FIELDS,
        private_key: {
          kind: 'string',
          description: 'Private key of the certificate in PEM.',
          sensitive: true,
        },
      },
      help: { synopsis: 'Revokes a certificate for whoever holds its private key.' },
      operations: {
        update: {
          summary: 'Revoke a certificate with its key',
          handler: (request, store) => revoke(request, store, true),
        },
      },
    }),
    definePath({
      pattern: 'certs/revoked',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the serial numbers of revoked certificates.' },
      operations: {
        list: {
          summary: 'List revoked certificates',
          async handler({ fields }, store) {
            return withColons(await listNames(store, REVOKED, asKeys(fields)));
          },
        },
      },
    }),
  ];
}

/** Paging names serial numbers as they are shown. */
export function asKeys(fields: {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}): { readonly after?: string; readonly limit?: number } {
  return {
    ...(fields.after === undefined ? {} : { after: serialKey(fields.after) }),
    ...(fields.limit === undefined ? {} : { limit: fields.limit }),
  };
}

export function withColons(reply: Reply): Reply {
  const keys = (reply.data?.['keys'] ?? []) as readonly string[];
  return { ...reply, data: { keys: keys.map((each) => each.replaceAll('-', ':')) } };
}
