/**
 * The key and the secret that go with each version of a certificate. They are views of it, not copies: a secret of the KV mount
 * or a key of the transit mount that has the same name goes before them.
 */
import { isJsonObject } from '../../../base/json.ts';
import { pemOf } from '../../../crypto/pem.ts';
import { writePfx } from '../../../crypto/pkcs12/pfx.ts';
import { publicKeyInfoOf } from '../../../crypto/x509/keys.ts';
import { readCertificate } from '../../../crypto/x509/certificate.ts';
import type {
  CertificateDesk,
  CertificateMaterial,
  KeptVersion,
} from '../../../model/tasks/certificate-task.ts';
import { RequestError } from '../../../model/errors.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { OPERATIONS, publicJwk } from '../keys/bundle.ts';
import { attributesOf, tagsMember } from '../objects/attributes.ts';
import type { BackupSeal } from '../objects/backup.ts';
import { pageOf, pageReply, versionPage } from '../objects/paging.ts';
import { vaultAt } from '../objects/vault-rules.ts';
import { AzureError, badParameter, disabled, jsonReply } from '../wire/errors.ts';
import { chosenVersion, liveCertificate, policyOf } from './bundle.ts';
import { PEM, PFX } from './policy.ts';

type Run = (asking: Asking, seal: BackupSeal) => Promise<WireReply>;

const MISSED: ReadonlySet<string> = new Set(['not_found', 'permission_denied']);

/** Asks for the object itself, and when there is none, or none for this caller, for that of a certificate of its name. */
export function orLinked(own: Run, linked: Run): Run {
  return async (asking, seal) => {
    try {
      return await own(asking, seal);
    } catch (error) {
      if (!(error instanceof RequestError) || !MISSED.has(error.code)) throw error;
      if (error.reason === 'no_token' || (error instanceof AzureError && error.status === 403)) {
        throw error;
      }
      try {
        return await linked(asking, seal);
      } catch (second) {
        if (second instanceof AzureError && second.status !== 404) throw second;
        if (second instanceof RequestError && MISSED.has(second.code)) throw error;
        throw second;
      }
    }
  };
}

function exportableOf(policy: ReturnType<typeof policyOf>): boolean {
  const key = policy['key_props'];
  return !isJsonObject(key) || key['exportable'] !== false;
}

function contentTypeOf(policy: ReturnType<typeof policyOf>): string {
  const secret = policy['secret_props'];
  return isJsonObject(secret) && secret['contentType'] === PEM ? PEM : PFX;
}

function described(version: KeptVersion): Parameters<typeof attributesOf>[0] {
  return { ...version, expiresMs: version.notAfterMs };
}

function secretProperties(
  asking: Asking,
  desk: CertificateDesk,
  version: KeptVersion,
  contentType: string,
): Record<string, unknown> {
  const { base } = asking;
  return {
    id: `${base}/secrets/${desk.name}/${version.id}`,
    kid: `${base}/keys/${desk.name}/${version.id}`,
    contentType,
    managed: true,
    attributes: attributesOf(described(version), vaultAt(base, desk)),
    ...tagsMember(version.tags),
  };
}

/** Certificates and key as one text; the key is left out where it may not leave. */
function valueOf(
  { certificates, privateKey }: CertificateMaterial,
  asked: { readonly contentType: string; readonly exportable: boolean; readonly name: string },
  random: Asking['random'],
): string {
  const key = asked.exportable ? privateKey : undefined;
  if (asked.contentType === PEM) {
    const blocks = certificates.map((der) => pemOf(der, 'CERTIFICATE'));
    if (key !== undefined) blocks.unshift(key.export({ format: 'pem', type: 'pkcs8' }).trim());
    return `${blocks.join('\n')}\n`;
  }
  const pfx = writePfx(
    { certificates, privateKey: key?.export({ format: 'der', type: 'pkcs8' }) },
    {
      password: '',
      friendlyName: asked.name,
      draw: (count) => random.bytes(count),
    },
  );
  return pfx.toString('base64');
}

export async function getLinkedSecret(asking: Asking): Promise<WireReply> {
  const { operation, target, ask, random } = asking;
  const { name, version: id } = operation;
  const wanted = target.query.get('outcontenttype');
  if (wanted !== undefined && wanted !== PEM && wanted !== PFX) {
    throw badParameter('The parameter outContentType is not supported.');
  }
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}`,
    task: {
      async certificate(desk) {
        const certificate = liveCertificate(desk, name);
        const version = chosenVersion(certificate, name, id);
        if (version.disabled === true) throw disabled('secret');
        const material = await desk.material(version.id);
        const policy = policyOf(certificate, material.certificates[0] ?? Buffer.alloc(0));
        const contentType = wanted ?? contentTypeOf(policy);
        const exportable = exportableOf(policy);
        return shown({
          value: valueOf(material, { contentType, exportable, name }, random),
          ...secretProperties(asking, desk, version, contentType),
        });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function listLinkedSecretVersions(asking: Asking): Promise<WireReply> {
  const { operation, target, ask } = asking;
  const { name } = operation;
  const page = pageOf(target.query);
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}/info`,
    task: {
      async certificate(desk) {
        const certificate = liveCertificate(desk, name);
        const newest = await desk.material(chosenVersion(certificate, name, '').id);
        const policy = policyOf(certificate, newest.certificates[0] ?? Buffer.alloc(0));
        return versionPage(
          page,
          certificate.versions,
          (version) => version.id,
          (version) => secretProperties(asking, desk, version, contentTypeOf(policy)),
        );
      },
    },
  });
  return pageReply(asking, `/secrets/${name}/versions`, answer);
}

export async function getLinkedKey({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name, version: id } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}/info`,
    task: {
      async certificate(desk) {
        const version = chosenVersion(liveCertificate(desk, name), name, id);
        const { certificates, privateKey } = await desk.material(version.id);
        const info =
          privateKey === undefined
            ? readCertificate(certificates[0] ?? Buffer.alloc(0)).publicKeyInfo
            : publicKeyInfoOf(privateKey);
        const jwk = publicJwk(info);
        return shown({
          key: {
            kid: `${base}/keys/${name}/${version.id}`,
            ...jwk,
            key_ops: OPERATIONS[jwk['kty'] === 'RSA' ? 'RSA' : 'EC'],
          },
          managed: true,
          attributes: attributesOf(described(version), vaultAt(base, desk)),
          ...tagsMember(version.tags),
        });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function listLinkedKeyVersions(asking: Asking): Promise<WireReply> {
  const { operation, target, base, ask } = asking;
  const { name } = operation;
  const page = pageOf(target.query);
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}/info`,
    task: {
      certificate: (desk) =>
        versionPage(
          page,
          liveCertificate(desk, name).versions,
          (version) => version.id,
          (version) => ({
            kid: `${base}/keys/${name}/${version.id}`,
            managed: true,
            attributes: attributesOf(described(version), vaultAt(base, desk)),
            ...tagsMember(version.tags),
          }),
        ),
    },
  });
  return pageReply(asking, `/keys/${name}/versions`, answer);
}
