/** Certificates for others: with a new key, for a request within a role, for a request as it is. */
import type { KeyType } from '../../../crypto/x509/algorithms.ts';
import { serialText, readCertificate, extensionOf } from '../../../crypto/x509/certificate.ts';
import { EXTENSION_OIDS } from '../../../crypto/x509/extensions.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { makePrivateKey, writeKey } from '../../../crypto/x509/keys.ts';
import { flatName, readName } from '../../../crypto/x509/names.ts';
import type { CertificationRequest } from '../../../crypto/x509/request.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { ReadySigner } from '../authorities/signer.ts';
import { urlsOf } from '../authorities/urls.ts';
import type { PkiPorts } from '../ports.ts';
import { certificateData, formatOf, timesAndSerial, withoutRoots } from './answers.ts';
import type { Made } from './answers.ts';
import { allowedNames } from '../names/allowed-names.ts';
import { roleForKey } from './csr.ts';
import { RSA_BITS_MIN } from './key-rules.ts';
import { namesFor, requestedNames } from '../names/parameters.ts';
import type { Named, NameValues } from '../names/parameters.ts';
import type { Role } from '../roles/role.ts';
import { signOrder } from './sign.ts';
import type { Order } from './sign.ts';
import { keepNew } from './stored-certificates.ts';
import { validityOf } from './validity.ts';
import type { LeaseBounds, Validity } from './validity.ts';
import type { Reply } from '../../../model/reply.ts';

export interface LeafValues extends NameValues {
  readonly format: string;
  readonly private_key_format: string;
  readonly remove_roots_from_chain: boolean;
}

/** Which lease revokes a certificate. */
export const CERTIFICATE_LEASE = 'pki';

export interface Task {
  readonly request: Pick<Request<LeafValues>, 'fields' | 'nowMs' | 'principal'> & {
    readonly mount: LeaseBounds;
  };
  readonly store: Transaction;
  readonly role: Role;
  readonly signer: ReadySigner;
  /** Undefined: a key is made. */
  readonly csr?: CertificationRequest;
  /** The request is taken over as it is. */
  readonly verbatim?: boolean;
}

interface Judged {
  readonly role: Role;
  readonly named: Named;
  readonly validity: Validity;
}

async function judge(ports: PkiPorts, task: Task): Promise<Judged> {
  const { request, signer, csr } = task;
  const role = csr === undefined ? task.role : roleForKey(task.role, csr);
  const allowed = await allowedNames(ports, role, request.principal);
  const named = namesFor(request.fields, allowed, csr);
  const { fields, mount, nowMs } = request;
  const { leafBehavior } = signer.issuer;
  const issuer = { notAfterMs: signer.certificate.notAfterMs, leafBehavior };
  return { role, named, validity: validityOf(fields, { role, mount, nowMs, issuer }) };
}

function verbatimPart(csr: CertificationRequest): NonNullable<Order['verbatim']> {
  return {
    subject: flatName(readName(csr.subject)),
    altNames: requestedNames(csr),
    // Whether it is an authority is for the path to say.
    extensions: csr.extensions.filter(({ oid }) => oid !== EXTENSION_OIDS.basicConstraints),
  };
}

export interface Issued extends Made {
  readonly warnings: readonly string[];
  readonly role: Role;
}

/** Makes the certificate and keeps it. @throws {RequestError} */
export async function makeLeaf(ports: PkiPorts, task: Task): Promise<Issued> {
  const { store, signer, csr, verbatim = false } = task;
  if (csr === undefined && task.role.key_type === 'rsa' && task.role.key_bits < RSA_BITS_MIN) {
    throw invalidRequest('RSA keys < 2048 bits are unsafe and not supported');
  }
  const { role, named, validity } = await judge(ports, task);
  const urls = await urlsOf(store, signer.issuer);
  const subject = csr ?? writeKey(await makePrivateKey(role.key_type as KeyType, role.key_bits));
  const key = 'key' in subject ? subject : undefined;
  const order: Order = {
    role,
    named,
    validity,
    publicKeyInfo: subject.publicKeyInfo,
    urls,
    forRequest: csr !== undefined,
    ...(csr !== undefined && verbatim ? { verbatim: verbatimPart(csr) } : {}),
  };
  const certificate = readCertificate(await signOrder(order, signer, ports.random));
  if (!role.no_store) keepNew(store, certificate);
  const chain = task.request.fields.remove_roots_from_chain
    ? withoutRoots(signer.chain)
    : signer.chain;
  return {
    certificate,
    issuer: signer.certificate,
    chain,
    key,
    role,
    warnings: [...validity.warnings, ...ignoredWarnings(task)],
  };
}

function ignoredWarnings({ csr, role, request }: Task): string[] {
  if (csr === undefined) return [];
  const warnings: string[] = [];
  const constraints = extensionOf(csr, EXTENSION_OIDS.basicConstraints);
  if (constraints !== undefined && !role.basic_constraints_valid_for_non_ca) {
    warnings.push(
      'specified CSR contained a Basic Constraints extension that was ignored during issuance',
    );
  }
  for (const [flag, field] of [
    ['use_csr_common_name', 'common_name'],
    ['use_csr_sans', 'alt_names'],
  ] as const) {
    if (role[flag] && request.fields[field] !== '') {
      warnings.push(
        `the ${field} field was provided but the role is set with "${flag}" set to true`,
      );
    }
  }
  return warnings;
}

/** The answer to `issue`, `sign` and `sign-verbatim`. @throws {RequestError} */
export async function issue(ports: PkiPorts, task: Task): Promise<Reply> {
  const { fields, nowMs } = task.request;
  const format = formatOf(fields.format);
  const made = await makeLeaf(ports, task);
  const { certificate } = made;
  const form = { format, private_key_format: fields.private_key_format };
  const data = { ...certificateData(made, form), ...timesAndSerial(certificate) };
  if (made.key !== undefined) wipe(made.key.der);
  if (!made.role.generate_lease) return { data, warnings: made.warnings };
  const ttlSeconds = Math.max(1, Math.floor((certificate.notAfterMs - nowMs) / 1000));
  return {
    data,
    warnings: made.warnings,
    lease: {
      ttlSeconds,
      maxTtlSeconds: ttlSeconds,
      renewable: false,
      secretType: CERTIFICATE_LEASE,
      internal: { serial_number: serialText(certificate.serial) },
    },
  };
}
