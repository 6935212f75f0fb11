/** TLS of the listener: Mozilla's intermediate profile, client certificates, reload without a restart. */
import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** PEM texts, as read from their files. */
export interface TlsMaterial {
  readonly certificate: string | Buffer;
  readonly key: string | Buffer;
  /** Authorities of client certificates. */
  readonly clientCa?: string | Buffer;
}

export type ClientCertificates = 'none' | 'optional' | 'required';

export interface TlsSettings {
  /** Reads certificate, key and authorities; called at start and at each reload. May throw. */
  readonly load: () => TlsMaterial;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL or IANA names of TLS 1.2 suites instead of the default ones. */
  readonly cipherSuites?: readonly string[];
  /**
   * `optional` (the default) asks for a certificate and lets any through, unverified: the certificate auth method judges it.
   * `required` refuses a connection without a certificate of `clientCa`.
   */
  readonly clientCertificates?: ClientCertificates;
}

/** Mozilla's server side TLS guidelines, intermediate, without the finite-field suites. Node.js offers CBC and CCM besides. */
const TLS13_SUITES: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];
const TLS12_SUITES: ReadonlyMap<string, string> = new Map([
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
]);
const GROUPS = 'X25519MLKEM768:X25519:P-256:P-384';

/** What a reload may change. */
export function secureContext(settings: TlsSettings): SecureContextOptions {
  const material = settings.load();
  const suites = settings.cipherSuites?.map((name) => TLS12_SUITES.get(name) ?? name);
  return {
    cert: material.certificate,
    key: material.key,
    ...(material.clientCa === undefined ? {} : { ca: material.clientCa }),
    minVersion: settings.minVersion ?? 'TLSv1.2',
    maxVersion: settings.maxVersion ?? 'TLSv1.3',
    ciphers: [...TLS13_SUITES, ...(suites ?? TLS12_SUITES.values())].join(':'),
    ecdhCurve: GROUPS,
    // Suites are equal in strength: the client knows best whether it has AES in hardware.
    honorCipherOrder: false,
  };
}

export function tlsOptions(settings: TlsSettings, handshakeTimeoutMs: number): TlsOptions {
  const clients = settings.clientCertificates ?? 'optional';
  return {
    ...secureContext(settings),
    requestCert: clients !== 'none',
    rejectUnauthorized: clients === 'required',
    handshakeTimeout: handshakeTimeoutMs,
    ALPNProtocols: ['h2', 'http/1.1'],
  };
}
