/** Certificates and keys in the form that a caller asked for. */
import { pemOf } from '../../../crypto/pem.ts';
import { serialText } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { privateKeyBase64, privateKeyPem } from '../../../crypto/x509/keys.ts';
import type { WrittenKey } from '../../../crypto/x509/keys.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { isRoot } from '../authorities/signer.ts';
import type { ChainCertificate } from '../authorities/signer.ts';

const FORMATS = ['pem', 'der', 'pem_bundle'] as const;
export type Format = (typeof FORMATS)[number];

/** @throws {RequestError} */
export function formatOf(format: string): Format {
  const found = FORMATS.find((each) => each === format);
  if (found !== undefined) return found;
  throw invalidRequest('the "format" path parameter must be "pem", "der", or "pem_bundle"');
}

export interface Made {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly chain: readonly ChainCertificate[];
  /** To be shown. */
  readonly key?: WrittenKey | undefined;
}

export interface Form {
  readonly format: Format;
  readonly private_key_format: string;
}

/** `private_key` and `private_key_type`. */
export function keyData(key: WrittenKey, form: Form): Readonly<Record<string, unknown>> {
  const written = form.private_key_format === 'pkcs8' ? 'pkcs8' : 'usual';
  return {
    private_key:
      form.format === 'der' ? privateKeyBase64(key, written) : privateKeyPem(key, written),
    private_key_type: key.key.asymmetricKeyType,
  };
}

export function certificateData(made: Made, form: Form): Readonly<Record<string, unknown>> {
  const { certificate, issuer, chain, key } = made;
  const shown = key === undefined ? {} : keyData(key, form);
  if (form.format === 'der') {
    return {
      certificate: certificate.der.toString('base64'),
      issuing_ca: issuer.der.toString('base64'),
      ...(chain.length === 0
        ? {}
        : { ca_chain: chain.map((each) => each.certificate.der.toString('base64')) }),
      ...shown,
    };
  }
  const pem = pemOf(certificate.der, 'CERTIFICATE');
  const bundle = key === undefined ? [] : [privateKeyPem(key, 'usual')];
  return {
    certificate:
      form.format === 'pem' ? pem : [...bundle, pem, ...chain.map((each) => each.pem)].join('\n'),
    issuing_ca:
      chain.find((each) => each.certificate === issuer)?.pem ?? pemOf(issuer.der, 'CERTIFICATE'),
    ...(chain.length === 0 ? {} : { ca_chain: chain.map((each) => each.pem) }),
    ...shown,
  };
}

export function timesAndSerial(certificate: Certificate): Readonly<Record<string, unknown>> {
  return {
    not_before: certificate.notBeforeMs / 1000,
    expiration: certificate.notAfterMs / 1000,
    serial_number: serialText(certificate.serial),
  };
}

export function withoutRoots(chain: readonly ChainCertificate[]): readonly ChainCertificate[] {
  return chain.filter((each) => !isRoot(each.certificate));
}
