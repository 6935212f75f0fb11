/** Client certificates as credentials: a key and a certificate for it, signed by an authority that the role brings along. */
import type { KeyObject } from 'node:crypto';
import { TemplateError } from '../../base/template/template.ts';
import { DerError } from '../../crypto/der.ts';
import { nextPem, pemOf } from '../../crypto/pem.ts';
import { wipe } from '../../crypto/secret-bytes.ts';
import { algorithmFor, keyTypeOf } from '../../crypto/x509/algorithms.ts';
import type { KeyType } from '../../crypto/x509/algorithms.ts';
import { isAuthority, readCertificate, subjectKeyIdOf } from '../../crypto/x509/certificate.ts';
import type { Certificate } from '../../crypto/x509/certificate.ts';
import {
  authorityKeyId,
  extendedKeyUsage,
  KEY_USAGE,
  keyUsage,
  subjectKeyId,
} from '../../crypto/x509/extensions.ts';
import {
  keyIdOf,
  makePrivateKey,
  privateKeyPem,
  publicKeyInfoOf,
  readPrivateKey,
  writeKey,
} from '../../crypto/x509/keys.ts';
import { makeCertificate } from '../../crypto/x509/make-certificate.ts';
import { encodeSubject, nameText, readName } from '../../crypto/x509/names.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { DatabasePorts } from './ports.ts';
import type { Asker } from './usernames.ts';
import type { CredentialConfig, MadeCredential } from './credential.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERIAL_BYTES = 20;
/** Clocks differ. */
const SKEW_MS = 30_000;
/** `ub-common-name` (RFC 5280 appendix A.1). */
const COMMON_NAME_LENGTH_MAX = 64;
const CONFIG_LENGTH_MAX = 32_768;
const TEMPLATE_FIELDS: readonly string[] = ['DisplayName', 'RoleName', 'Username'];

/** Lengths of keys by type, the usual one first; those of Ed25519 are what they are. */
const KEY_BITS: Readonly<Record<string, readonly number[]>> = {
  rsa: [2048, 3072, 4096],
  ec: [256, 224, 384, 521],
  ed25519: [0],
};
const SIGNATURE_BITS = [256, 384, 512];
const KNOWN = [
  'common_name_template',
  'ca_cert',
  'ca_private_key',
  'key_type',
  'key_bits',
  'signature_bits',
];

function refused(what: string): Error {
  return invalidRequest(`credential_config validation failed: ${what}`);
}

interface Authority {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

/** @throws {RequestError} naming what is wrong and repeating nothing of it */
function authorityOf(certificatePem: string, keyPem: string): Authority {
  const block = nextPem(certificatePem)?.block;
  const key = readPrivateKey(keyPem);
  if (key === undefined || keyTypeOf(key) === undefined) {
    throw refused('ca_private_key is no private key of a known type in PEM');
  }
  let certificate: Certificate;
  try {
    certificate = readCertificate(block?.bytes ?? Buffer.alloc(0));
    if (!isAuthority(certificate)) throw refused('ca_cert is not marked for CA use');
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw refused('ca_cert is no certificate in PEM');
  }
  if (!publicKeyInfoOf(key).equals(certificate.publicKeyInfo)) {
    throw refused('ca_private_key is not the key of ca_cert');
  }
  return { certificate, key };
}

function numberIn(config: Readonly<Record<string, string>>, name: string): number {
  const text = config[name] ?? '';
  if (!/^\d{0,5}$/.test(text)) throw refused(`invalid ${name}`);
  return Number(text);
}

/** Checked and with its defaults. @throws {RequestError} */
export function certificateConfig(config: Readonly<Record<string, string>>): CredentialConfig {
  for (const [name, value] of Object.entries(config)) {
    if (!KNOWN.includes(name)) throw refused('an unknown setting');
    if (value.length > CONFIG_LENGTH_MAX) throw refused(`${name} is too long`);
  }
  const type = config['key_type'] ?? '';
  const lengths = Object.hasOwn(KEY_BITS, type) ? (KEY_BITS[type] ?? []) : [];
  if (lengths.length === 0) throw refused('invalid key_type');
  const asked = type === 'ed25519' ? 0 : numberIn(config, 'key_bits');
  const keyBits = asked === 0 ? (lengths[0] ?? 0) : asked;
  if (!lengths.includes(keyBits)) throw refused('invalid key_bits');
  const signatureBits = numberIn(config, 'signature_bits') || 256;
  if (!SIGNATURE_BITS.includes(signatureBits)) throw refused('invalid signature_bits');
  const template = config['common_name_template'] ?? '';
  if (template === '') throw refused('missing required common_name_template');
  try {
    compileNameTemplate(template, TEMPLATE_FIELDS);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw refused(`invalid common_name_template: ${error.message}`);
  }
  const { ca_cert: caCert = '', ca_private_key: caPrivateKey = '' } = config;
  if (caCert === '') throw refused('missing required ca_cert');
  if (caPrivateKey === '') throw refused('missing required ca_private_key');
  authorityOf(caCert, caPrivateKey);
  return {
    common_name_template: template,
    ca_cert: caCert,
    ca_private_key: caPrivateKey,
    key_type: type,
    key_bits: keyBits,
    signature_bits: signatureBits,
  };
}

/** For whom, and until when. */
export interface CertificateWish extends Asker {
  readonly username: string;
  readonly expiresMs: number;
}

function commonNameOf(ports: DatabasePorts, template: string, wish: CertificateWish): string {
  const { displayName, role, username, nowMs } = wish;
  const data = { DisplayName: displayName, RoleName: role, Username: username };
  try {
    const { random } = ports;
    const name = compileNameTemplate(template, TEMPLATE_FIELDS).name(data, { random, nowMs });
    if (name !== '' && name.length <= COMMON_NAME_LENGTH_MAX) return name;
    throw new TemplateError(`the name has not 1 to ${COMMON_NAME_LENGTH_MAX} characters`);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`common_name_template: ${error.message}`);
  }
}

/** A key and its certificate, which ends at the latest with the authority's. @throws {RequestError} */
export async function makeClientCertificate(
  ports: DatabasePorts,
  config: CredentialConfig,
  wish: CertificateWish,
): Promise<MadeCredential> {
  const text = (name: string): string => String(config[name] ?? '');
  const { certificate: issuer, key: issuerKey } = authorityOf(
    text('ca_cert'),
    text('ca_private_key'),
  );
  const commonName = commonNameOf(ports, text('common_name_template'), wish);
  const type = text('key_type');
  const key = writeKey(await makePrivateKey(type as KeyType, Number(config['key_bits'])));
  const serial = ports.random.bytes(SERIAL_BYTES);
  // Positive, and of one length (RFC 5280 §4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const subject = encodeSubject({ commonName });
  const hashBits = keyTypeOf(issuerKey) === 'rsa' ? Number(config['signature_bits']) : 0;
  const der = await makeCertificate(
    {
      serial,
      issuer: issuer.subject,
      subject,
      notBeforeMs: wish.nowMs - SKEW_MS,
      notAfterMs: Math.min(wish.expiresMs, issuer.notAfterMs),
      publicKeyInfo: key.publicKeyInfo,
      extensions: [
        keyUsage(KEY_USAGE.digitalSignature),
        extendedKeyUsage([CLIENT_AUTH]),
        subjectKeyId(keyIdOf(key.publicKeyInfo)),
        authorityKeyId(subjectKeyIdOf(issuer)),
      ],
    },
    algorithmFor(issuerKey, { hashBits }),
    issuerKey,
  );
  const shown = {
    client_certificate: pemOf(der, 'CERTIFICATE'),
    private_key: privateKeyPem(key, 'usual'),
    private_key_type: type,
  };
  wipe(key.der);
  const credential = { kind: 'client_certificate', subject: nameText(readName(subject)) } as const;
  return { credential, shown };
}
