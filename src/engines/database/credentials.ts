/** What accounts open with: how a role wants it made, and the making. */
import { createPublicKey } from 'node:crypto';
import { makeRsaKey } from '../../crypto/rsa/keys.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { CredentialKind } from '../../targets/database.ts';
import { certificateConfig, makeClientCertificate } from './client-certificates.ts';
import type { CertificateWish } from './client-certificates.ts';
import type { DatabasePorts } from './ports.ts';
import type { CredentialConfig, CredentialRule, MadeCredential } from './credential.ts';
import { unsupported } from './credential.ts';

const KINDS: ReadonlySet<string> = new Set(['password', 'rsa_private_key', 'client_certificate']);
const RSA_BITS = [2048, 3072, 4096];

export function credentialKindOf(text: string): CredentialKind {
  if (!KINDS.has(text)) throw invalidRequest('invalid credential_type');
  return text as CredentialKind;
}

/** @throws {RequestError} */
export function credentialRule(
  kind: CredentialKind,
  config: Readonly<Record<string, string>>,
): CredentialRule {
  if (kind === 'client_certificate') return { kind, config: certificateConfig(config) };
  if (kind === 'rsa_private_key') return { kind, config: rsaConfig(config) };
  const policy = config['password_policy'] ?? '';
  return { kind, config: policy === '' ? {} : { password_policy: policy } };
}

function rsaConfig(config: Readonly<Record<string, string>>): CredentialConfig {
  const refused = (what: string): Error =>
    invalidRequest(`credential_config validation failed: invalid ${what}`);
  const format = (config['format'] ?? 'pkcs8') || 'pkcs8';
  if (format.toLowerCase() !== 'pkcs8') throw refused('format');
  const bits = Number(config['key_bits'] ?? '0') || 2048;
  if (!RSA_BITS.includes(bits)) throw refused('key_bits');
  return { format: 'pkcs8', key_bits: bits };
}

/**
 * Makes a credential.
 * @param policy password policy of the connection, used unless the role has one
 * @param wish for a client certificate; undefined where there are none
 * @throws {RequestError}
 */
export async function makeCredential(
  ports: DatabasePorts,
  rule: CredentialRule,
  namespaceId: string,
  policy: string,
  wish?: CertificateWish,
): Promise<MadeCredential> {
  if (rule.kind === 'client_certificate') {
    if (wish === undefined) throw unsupported(rule.kind);
    return await makeClientCertificate(ports, rule.config, wish);
  }
  if (rule.kind === 'rsa_private_key') {
    const key = await makeRsaKey(Number(rule.config['key_bits'] ?? 2048));
    const publicKeyPem = createPublicKey(key).export({ type: 'spki', format: 'pem' });
    return {
      credential: { kind: 'rsa_private_key', publicKeyPem },
      shown: { rsa_private_key: key.export({ type: 'pkcs8', format: 'pem' }) },
    };
  }
  const own = rule.config['password_policy'];
  const password = await ports.password(namespaceId, typeof own === 'string' ? own : policy);
  return { credential: { kind: 'password', password }, shown: { password } };
}
