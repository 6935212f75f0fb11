/** Certificates of `pkiCert`: how templates see them, how long they last, and those that a destination still holds. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TemplateError } from '../template/lex.ts';
import { Struct, type Value } from '../template/values.ts';
import type { JsonObject } from '../../client/json.ts';

export interface CertificateValue {
  readonly value: Value;
  readonly content: string;
  /** PEM of the certificate itself. */
  readonly certificate: string;
}

interface Written {
  readonly certificate: string;
  readonly private_key: string;
  readonly issuing_ca: string;
  readonly ca_chain: string[];
}

/** @throws {TemplateError} when the answer holds no certificate */
export function certificateValue(data: JsonObject | Written): CertificateValue {
  const certificate = data['certificate'];
  if (typeof certificate !== 'string')
    throw new TemplateError('pkiCert: no certificate was issued');
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const chain = Array.isArray(data['ca_chain']) ? data['ca_chain'].map(text) : [];
  const parts = {
    Cert: certificate,
    Key: text(data['private_key']),
    CA: text(data['issuing_ca']),
    CAChain: chain,
  };
  return {
    // Both `.Cert` and `.Data.Cert` are written in templates.
    value: new Struct({ ...parts, Data: new Struct(parts) }),
    content: JSON.stringify(parts),
    certificate,
  };
}

/** Milliseconds since the epoch. */
export function lifeOf(certificate: string): { fromMs: number; untilMs: number } {
  try {
    const parsed = new X509Certificate(certificate);
    return { fromMs: Date.parse(parsed.validFrom), untilMs: Date.parse(parsed.validTo) };
  } catch (cause) {
    throw new TemplateError('pkiCert: the certificate cannot be read', { cause });
  }
}

const BLOCK = /-----BEGIN ([A-Z ]{1,40})-----[A-Za-z0-9+/=\s]{1,65536}-----END \1-----/g;

/** The certificate, key and authorities in the file at `path`; undefined when it does not hold the first two. */
export function writtenCertificate(path: string): Written | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const blocks = [...text.matchAll(BLOCK)].map(([pem, kind = '']) => ({ pem, kind }));
  const key = blocks.find(({ kind }) => kind.endsWith('PRIVATE KEY'))?.pem;
  const certificates = blocks.filter(({ kind }) => kind === 'CERTIFICATE').map(({ pem }) => pem);
  const own = certificates.find((pem) => !isAuthority(pem));
  if (key === undefined || own === undefined) return undefined;
  const authorities = certificates.filter((pem) => pem !== own);
  return {
    certificate: own,
    private_key: key,
    issuing_ca: authorities[0] ?? '',
    ca_chain: authorities,
  };
}

function isAuthority(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return true;
  }
}
