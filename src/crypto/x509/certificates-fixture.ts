/** Certificates for tests: authorities, leaves, and forgeries of both. */
import './class-metadata.ts';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  Extension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  cryptoProvider,
} from '@peculiar/x509';
import type { X509Certificate } from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface TestCertificate {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly der: Buffer;
  readonly pem: string;
}

export interface CertificateWish {
  readonly name?: string;
  /** Self-signed without it. */
  readonly issuer?: TestCertificate;
  readonly isCa?: boolean;
  readonly pathLength?: number;
  readonly serialNumber?: string;
  readonly dnsNames?: readonly string[];
  readonly forServers?: boolean;
  /** Object identifiers of critical extensions that nobody knows. */
  readonly strange?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

export async function makeCertificate(
  nowMs: number,
  wish: CertificateWish = {},
): Promise<TestCertificate> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const subject = wish.name ?? 'CN=client';
  const extensions: Extension[] = [
    new BasicConstraintsExtension(wish.isCa ?? false, wish.pathLength, true),
    wish.isCa === true
      ? new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)
      : new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  ];
  if (wish.isCa !== true) {
    const usage =
      wish.forServers === true ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
    extensions.push(new ExtendedKeyUsageExtension([usage]));
  }
  if (wish.dnsNames !== undefined) {
    extensions.push(
      new SubjectAlternativeNameExtension(
        wish.dnsNames.map((value) => ({ type: 'dns' as const, value })),
      ),
    );
  }
  for (const type of wish.strange ?? [])
    extensions.push(new Extension(type, true, Uint8Array.of(0x05, 0x00)));
  const certificate = await X509CertificateGenerator.create({
    serialNumber: wish.serialNumber ?? '01',
    subject,
    issuer: wish.issuer?.certificate.subject ?? subject,
    notBefore: new Date(wish.notBeforeMs ?? nowMs - DAY_MS),
    notAfter: new Date(wish.notAfterMs ?? nowMs + DAY_MS),
    publicKey: keys.publicKey,
    signingKey: wish.issuer?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  return {
    certificate,
    keys,
    der: Buffer.from(certificate.rawData),
    pem: certificate.toString('pem'),
  };
}

/** A revocation list in PEM. */
export async function makeCrl(
  nowMs: number,
  issuer: TestCertificate,
  serialNumbers: readonly string[],
): Promise<string> {
  const crl = await X509CrlGenerator.create({
    issuer: issuer.certificate.subject,
    thisUpdate: new Date(nowMs),
    nextUpdate: new Date(nowMs + DAY_MS),
    entries: serialNumbers.map((serialNumber) => ({
      serialNumber,
      revocationDate: new Date(nowMs),
    })),
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: ALGORITHM,
  });
  return crl.toString('pem');
}
