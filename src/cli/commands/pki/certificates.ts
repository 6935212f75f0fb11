/** What the pki commands read: issuers by their path, and how one certificate stands to another. */
import { X509Certificate } from 'node:crypto';
import type { Client } from '../../../client/client.ts';
import type { JsonObject } from '../../../client/json.ts';
import { attempt, CommandFailure, EXIT_LOCAL } from '../../command.ts';

export interface Issuer {
  readonly path: string;
  readonly certificate: X509Certificate;
  readonly chain: readonly X509Certificate[];
  readonly keyId: string;
  readonly name: string;
}

/** @throws {CommandFailure} */
export function parsed(pem: unknown, what: string): X509Certificate {
  try {
    return new X509Certificate(String(pem));
  } catch {
    throw new CommandFailure(EXIT_LOCAL, `${what} is no certificate`);
  }
}

function textOf(data: JsonObject, name: string): string {
  const value = data[name];
  return typeof value === 'string' ? value : '';
}

/** @throws {CommandFailure} */
export async function readIssuer(client: Client, path: string, what: string): Promise<Issuer> {
  const secret = await attempt(what, client.read(path), EXIT_LOCAL);
  const data = secret?.data;
  if (data === undefined || data === null || typeof data['certificate'] !== 'string') {
    throw new CommandFailure(EXIT_LOCAL, `${what}: there is no certificate at ${path}`);
  }
  const { ca_chain: chain } = data;
  return {
    path,
    certificate: parsed(data['certificate'], path),
    chain: (Array.isArray(chain) ? chain : [])
      .filter((pem) => typeof pem === 'string' && pem.trim() !== '')
      .map((pem) => parsed(pem, path)),
    keyId: textOf(data, 'key_id'),
    name: textOf(data, 'issuer_name'),
  };
}

export interface Match {
  readonly key_id_match: boolean;
  readonly path_match: boolean;
  readonly signature_match: boolean;
  readonly subject_match: boolean;
  readonly trust_match: boolean;
}

function isSigned(by: X509Certificate, certificate: X509Certificate): boolean {
  return by.ca && certificate.verify(by.publicKey);
}

/** How `child` stands to `parent`. */
export async function matchOf(parent: Issuer, child: Issuer): Promise<Match> {
  const x509 = await import('../../../crypto/x509/certificate.ts');
  const [above, below] = [parent.certificate, child.certificate].map((each) =>
    x509.readCertificate(each.raw),
  );
  if (above === undefined || below === undefined) throw new RangeError('two certificates');
  const signature = isSigned(parent.certificate, child.certificate);
  const now = Date.now();
  const isCurrent = [above, below].every(
    (each) => each.notBeforeMs <= now && now <= each.notAfterMs,
  );
  const isSame = parent.certificate.raw.equals(child.certificate.raw);
  return {
    key_id_match: x509.authorityKeyIdOf(below).equals(x509.subjectKeyIdOf(above)),
    path_match: child.chain.some((each) => each.raw.equals(parent.certificate.raw)),
    signature_match: signature,
    subject_match: above.subject.equals(below.issuer),
    trust_match: isCurrent && (signature || isSame),
  };
}
