/** A certificate authority and a server certificate for local use: P-256, one day, loopback names. */
import './class-metadata.ts';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';
import { isIP } from 'node:net';
import type { World } from '../../base/world.ts';

export interface CertificatePem {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const LIFETIME_MS = 24 * 3600 * 1000;
const CLOCK_SKEW_MS = 60_000;

/** @param names further host names or addresses of the server. */
export async function makeDevCertificates(
  names: readonly string[],
  { clock, random }: Pick<World, 'clock' | 'random'>,
): Promise<CertificatePem> {
  cryptoProvider.set(webcrypto);
  const notBefore = new Date(clock.nowMs() - CLOCK_SKEW_MS);
  const notAfter = new Date(clock.nowMs() + LIFETIME_MS);
  const authorityKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const authority = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random),
    name: 'CN=Strongroom development CA',
    notBefore,
    notAfter,
    keys: authorityKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const serverKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const all = ['localhost', '127.0.0.1', '::1', ...names];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(random),
    subject: 'CN=localhost',
    issuer: authority.subject,
    notBefore,
    notAfter,
    publicKey: serverKeys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        all.map((value) => ({
          type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
          value,
        })),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey));
  const body = pkcs8
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd();
  pkcs8.fill(0);
  return {
    certificate: `${certificate.toString('pem')}\n${authority.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
    authority: `${authority.toString('pem')}\n`,
  };
}

/** 16 random bytes, positive (RFC 5280 §4.1.2.2). */
function serial(random: World['random']): string {
  const bytes = random.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
