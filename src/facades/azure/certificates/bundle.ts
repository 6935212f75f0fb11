/** How certificates, their versions and operations on them look in Key Vault's JSON. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type {
  AwaitedCertificate,
  CertificateDesk,
  KeptCertificate,
  KeptVersion,
  VersionNotes,
} from '../../../model/tasks/certificate-task.ts';
import { attributesOf, tagsMember } from '../objects/attributes.ts';
import type { SentProperties } from '../objects/attributes.ts';
import { deletionOf, vaultAt } from '../objects/vault-rules.ts';
import type { Vault } from '../objects/vault-rules.ts';
import { AzureError, deletedNotFound, objectNotFound } from '../wire/errors.ts';
import { describedPolicy } from './described.ts';

/** Below these names in a certificate's attributes. */
export const POLICY = 'azure.policy';
export const OPERATION = 'azure.operation';

/** The certificate, unless there is none or it is deleted. @throws {AzureError} */
export function liveCertificate(
  desk: Pick<CertificateDesk, 'certificate'>,
  name: string,
): KeptCertificate {
  const { certificate } = desk;
  if (certificate === undefined || certificate.deletedMs !== undefined) {
    throw objectNotFound('certificate', name);
  }
  return certificate;
}

/** @throws {AzureError} */
export function deletedCertificate(
  desk: Pick<CertificateDesk, 'certificate'>,
  name: string,
): KeptCertificate {
  const { certificate } = desk;
  if (certificate?.deletedMs === undefined) throw deletedNotFound('certificate', name);
  return certificate;
}

/** The version with this id, or without one the newest. @throws {AzureError} */
export function chosenVersion(certificate: KeptCertificate, name: string, id: string): KeptVersion {
  const { versions } = certificate;
  const chosen = id === '' ? versions.at(-1) : versions.find((one) => one.id === id.toLowerCase());
  if (chosen === undefined) throw objectNotFound('certificate', id === '' ? name : `${name}/${id}`);
  return chosen;
}

/** What a caller says about a version. */
export function notesOf(sent: SentProperties): VersionNotes {
  return {
    ...(sent.enabled === false ? { disabled: true } : {}),
    ...(sent.tags === undefined ? {} : { tags: sent.tags }),
  };
}

function thumbprint({ thumbprint: hex }: KeptVersion): string {
  return Buffer.from(hex, 'hex').toString('base64url');
}

function lasting(version: KeptVersion, vault: Vault): Record<string, unknown> {
  return attributesOf({ ...version, expiresMs: version.notAfterMs }, vault);
}

/** The policy that was set, else what the certificate itself says. */
export function policyOf(certificate: KeptCertificate, der: Buffer): JsonObject {
  const stored = certificate.attributes?.[POLICY];
  return isJsonObject(stored) ? stored : describedPolicy(der);
}

export function shownPolicy(
  vault: Vault,
  name: string,
  policy: JsonObject,
  certificate: KeptCertificate | undefined,
): Record<string, unknown> {
  const [first, last] = [certificate?.versions[0], certificate?.versions.at(-1)];
  const times = {
    createdMs: first?.createdMs ?? 0,
    updatedMs: last?.updatedMs ?? last?.createdMs ?? 0,
  };
  return {
    id: `${vault.base}/certificates/${name}/policy`,
    ...policy,
    ...(certificate === undefined ? {} : { attributes: attributesOf(times, vault) }),
  };
}

export async function certificateBundle(
  base: string,
  desk: CertificateDesk,
  certificate: KeptCertificate,
  version: KeptVersion,
): Promise<Record<string, unknown>> {
  const vault = vaultAt(base, desk);
  const { name } = desk;
  const { certificates } = await desk.material(version.id);
  const der = certificates[0] ?? Buffer.alloc(0);
  const policy = policyOf(certificate, der);
  const secret = policy['secret_props'];
  return {
    id: `${base}/certificates/${name}/${version.id}`,
    kid: `${base}/keys/${name}/${version.id}`,
    sid: `${base}/secrets/${name}/${version.id}`,
    x5t: thumbprint(version),
    cer: der.toString('base64'),
    ...(isJsonObject(secret) ? { contentType: secret['contentType'] } : {}),
    attributes: lasting(version, vault),
    ...tagsMember(version.tags),
    policy: shownPolicy(vault, name, policy, certificate),
  };
}

/** Before its first version a certificate is known by what it is to become. */
export function awaitedBundle(
  base: string,
  desk: CertificateDesk,
  { id, requestedMs, attributes }: AwaitedCertificate,
): Record<string, unknown> {
  const vault = vaultAt(base, desk);
  const policy = attributes?.[POLICY];
  return {
    id: `${base}/certificates/${desk.name}/${id}`,
    attributes: attributesOf({ disabled: true, createdMs: requestedMs }, vault),
    ...(isJsonObject(policy) ? { policy: shownPolicy(vault, desk.name, policy, undefined) } : {}),
    pending: { id: `${base}/certificates/${desk.name}/pending` },
  };
}

export async function deletedBundle(
  base: string,
  desk: CertificateDesk,
  certificate: KeptCertificate,
): Promise<Record<string, unknown>> {
  const version = chosenVersion(certificate, desk.name, '');
  return {
    ...deletionOf(vaultAt(base, desk), 'certificate', desk.name, certificate),
    ...(await certificateBundle(base, desk, certificate, version)),
  };
}

/** An entry of a list; without a version, of the certificate. */
export function listedCertificate(
  vault: Vault,
  name: string,
  version: KeptVersion,
  withVersion: boolean,
): Record<string, unknown> {
  return {
    id: `${vault.base}/certificates/${name}${withVersion ? `/${version.id}` : ''}`,
    x5t: thumbprint(version),
    attributes: lasting(version, vault),
    ...tagsMember(version.tags),
  };
}

interface Pending {
  readonly id: string;
  readonly issuer: string;
  readonly status: 'inProgress' | 'completed' | 'cancelled';
  readonly request?: string;
}

const MERGE = 'Pending certificate created. Please Perform Merge to complete the request.';
const BEGUN =
  'Pending certificate created. Certificate request is in progress. This may take some time based on the issuer provider. Please check again later.';

export function operationBundle(
  base: string,
  name: string,
  { id, issuer, status, request }: Pending,
): Record<string, unknown> {
  return {
    id: `${base}/certificates/${name}/pending`,
    issuer: { name: issuer },
    ...(request === undefined ? {} : { csr: request }),
    cancellation_requested: status === 'cancelled',
    status,
    ...(status === 'inProgress' ? { status_details: request === undefined ? BEGUN : MERGE } : {}),
    ...(status === 'completed' ? { target: `${base}/certificates/${name}` } : {}),
    request_id: id,
  };
}

export function awaitedOperation(
  base: string,
  name: string,
  { id, cancelled, request }: AwaitedCertificate,
): Record<string, unknown> {
  const status = cancelled === true ? 'cancelled' : 'inProgress';
  return operationBundle(base, name, { id, status, request, issuer: 'Unknown' });
}

export function pendingNotFound(name: string): AzureError {
  return new AzureError(
    404,
    'PendingCertificateNotFound',
    `Pending certificate not found: ${name}`,
  );
}
