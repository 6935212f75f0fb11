/**
 * An issuer ready to sign: its certificate taken apart, its chain, its key as OpenSSL holds it. It hangs on the issuer's decoded
 * record, which the barrier caches per stored revision: any change of the issuer, and a seal, drops it.
 */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { pemOf } from '../../../crypto/pem.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import {
  authorityKeyIdOf,
  basicConstraintsOf,
  readCertificate,
  subjectKeyIdOf,
} from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { invalidRequest, RequestError } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';
import { ISSUERS, materialKey } from './records.ts';
import type { IssuerRecord, StoredIssuer, Usage } from './records.ts';
import { resolveIssuer } from './resolve.ts';

export interface ChainCertificate {
  readonly certificate: Certificate;
  readonly pem: string;
}

export interface Signer {
  readonly issuer: StoredIssuer;
  readonly certificate: Certificate;
  readonly pem: string;
  /** The issuer first. */
  readonly chain: readonly ChainCertificate[];
  readonly subjectKeyId: Buffer;
  readonly pathLength: number | undefined;
}

export interface ReadySigner extends Signer {
  readonly key: KeyObject;
}

/** Most issuers held at a time; one more, and all are dropped. */
const HELD_MAX = 1024;

export class SignerCache {
  #held = new WeakMap<object, Signer & { readonly key?: KeyObject }>();
  #count = 0;

  /** @param issuer as this request read it from `store`. */
  async of(store: Reader, issuer: StoredIssuer): Promise<Signer & { readonly key?: KeyObject }> {
    const held = this.#held.get(issuer);
    if (held !== undefined) return held;
    const ready = await prepare(store, issuer);
    if (this.#count >= HELD_MAX) {
      this.#held = new WeakMap();
      this.#count = 0;
    }
    this.#held.set(issuer, ready);
    this.#count++;
    return ready;
  }

  /** The issuer that a reference names, for this use. @throws {RequestError} */
  async ready(store: Reader, reference: string, usage: Usage): Promise<ReadySigner> {
    let issuer: StoredIssuer;
    try {
      issuer = await resolveIssuer(store, reference);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      throw invalidRequest(`could not fetch the CA certificate (was one set?): ${error.message}`);
    }
    return await this.readyOf(store, issuer, usage);
  }

  async readyOf(store: Reader, issuer: StoredIssuer, usage: Usage): Promise<ReadySigner> {
    assertUsage(issuer, usage);
    const signer = await this.of(store, issuer);
    const { key } = signer;
    if (key === undefined) {
      throw invalidRequest(
        `could not fetch the CA certificate (was one set?): unable to fetch corresponding key for issuer ${issuer.id}; unable to use this issuer for signing`,
      );
    }
    return { ...signer, key };
  }
}

/** `crl-signing,…`, as the API shows it; `read-only` is what everyone may. */
export function usageText(usage: readonly Usage[]): string {
  return [...new Set([...usage, 'read-only'])].sort().join(',');
}

function assertUsage(issuer: StoredIssuer, usage: Usage): void {
  if (usage === 'read-only' || issuer.usage.includes(usage)) return;
  const ref = issuer.name === '' ? `id:${issuer.id}` : `id:${issuer.id} / name:${issuer.name}`;
  throw invalidRequest(
    `error fetching CA certificate: error while attempting to use issuer ${issuer.id}: requested usage ${usage} for issuer [${ref}] but only had usage ${usageText(issuer.usage)}`,
  );
}

async function prepare(
  store: Reader,
  issuer: StoredIssuer,
): Promise<Signer & { readonly key?: KeyObject }> {
  const certificate = readCertificate(Buffer.from(issuer.certificate, 'base64'));
  const others = issuer.chain.filter((id) => id !== issuer.id);
  const records = await store.getRecords<IssuerRecord>(others.map((id) => ISSUERS + id));
  const byId = new Map(records.flatMap((each) => (each === undefined ? [] : [[each.id, each]])));
  byId.set(issuer.id, issuer);
  const chain = issuer.chain.flatMap((id) => {
    const record = byId.get(id);
    if (record === undefined) return [];
    const der = Buffer.from(record.certificate, 'base64');
    return [{ certificate: readCertificate(der), pem: pemOf(der, 'CERTIFICATE') }];
  });
  const key = issuer.keyId === '' ? undefined : await privateKey(store, issuer.keyId);
  return {
    issuer,
    certificate,
    pem: pemOf(certificate.der, 'CERTIFICATE'),
    chain,
    subjectKeyId: subjectKeyIdOf(certificate),
    pathLength: basicConstraintsOf(certificate)?.pathLength,
    ...(key === undefined ? {} : { key }),
  };
}

/** @throws {Error} the key is not stored */
export async function privateKey(store: Reader, keyId: string): Promise<KeyObject> {
  const bytes = await store.get(materialKey(keyId));
  if (bytes === undefined) throw new Error('the private key of an issuer is missing');
  try {
    return createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
  } finally {
    wipe(bytes);
  }
}

/** A certificate that ends its own chain. */
export function isRoot(certificate: Certificate): boolean {
  const authority = authorityKeyIdOf(certificate);
  return authority.length > 0
    ? authority.equals(subjectKeyIdOf(certificate))
    : certificate.issuer.equals(certificate.subject);
}
