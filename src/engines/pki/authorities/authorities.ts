/**
 * All issuers and keys of a mount while one request changes them: read once, changed in memory, written with {@link
 * Authorities.save}. Requests that only use an issuer do not need it.
 */
import type { KeyObject } from 'node:crypto';
import { uuid } from '../../../base/random.ts';
import type { Random } from '../../../base/random.ts';
import { keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import {
  isAuthority,
  keyUsageOf,
  readCertificate,
  serialText,
} from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { KEY_USAGE } from '../../../crypto/x509/extensions.ts';
import { publicKeyInfoOf } from '../../../crypto/x509/keys.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { buildChains } from './chains.ts';
import { AUTHORITIES_MAX, indexKey, ISSUERS, materialKey, readIndex } from './records.ts';
import type { Index, IssuerRecord, KeyRecord, Usage } from './records.ts';
import { canonicalRef, findIssuerId, findKeyId, issuerNotFound } from './resolve.ts';

export interface Imported<T> {
  readonly id: string;
  readonly record: T;
  readonly existed: boolean;
}

export class Authorities {
  readonly #store: Transaction;
  readonly #random: Random;
  readonly #nowMs: number;
  readonly #issuers = new Map<string, IssuerRecord>();
  readonly #certificates = new Map<string, Certificate>();
  readonly #keys: Map<string, KeyRecord>;
  readonly #changed = new Set<string>();
  #defaultIssuer: string;
  #defaultFollowsLatest: boolean;
  #defaultKey: string;

  private constructor(store: Transaction, random: Random, nowMs: number, index: Index) {
    this.#store = store;
    this.#random = random;
    this.#nowMs = nowMs;
    this.#keys = new Map(Object.entries(index.keys));
    this.#defaultIssuer = index.defaultIssuer;
    this.#defaultFollowsLatest = index.defaultFollowsLatest;
    this.#defaultKey = index.defaultKey;
  }

  static async load(store: Transaction, random: Random, nowMs: number): Promise<Authorities> {
    const index = await readIndex(store);
    const all = new Authorities(store, random, nowMs, index);
    const ids = Object.keys(index.issuers);
    const records = await store.getRecords<IssuerRecord>(ids.map((id) => ISSUERS + id));
    for (const record of records) {
      if (record === undefined) continue;
      all.#issuers.set(record.id, record);
      all.#certificates.set(record.id, readCertificate(Buffer.from(record.certificate, 'base64')));
    }
    return all;
  }

  get issuers(): ReadonlyMap<string, IssuerRecord> {
    return this.#issuers;
  }

  get keys(): ReadonlyMap<string, KeyRecord> {
    return this.#keys;
  }

  get defaultIssuer(): string {
    return this.#defaultIssuer;
  }

  get defaultFollowsLatest(): boolean {
    return this.#defaultFollowsLatest;
  }

  set defaultFollowsLatest(follows: boolean) {
    this.#defaultFollowsLatest = follows;
  }

  set defaultKey(id: string) {
    this.#defaultKey = id;
  }

  /** @throws {Error} for an id that is not there */
  certificate(id: string): Certificate {
    const found = this.#certificates.get(id);
    if (found === undefined) throw new Error('no such issuer');
    return found;
  }

  index(): Index {
    return {
      issuers: Object.fromEntries(
        [...this.#issuers.values()].map(({ id, name, keyId, serial }) => [
          id,
          { name, keyId, serial },
        ]),
      ),
      keys: Object.fromEntries(this.#keys),
      defaultIssuer: this.#defaultIssuer,
      defaultFollowsLatest: this.#defaultFollowsLatest,
      defaultKey: this.#defaultKey,
    };
  }

  /** @throws {RequestError} nothing has this name */
  issuer(reference: string): IssuerRecord {
    const ref = canonicalRef(reference);
    if (ref === '') throw invalidRequest('missing issuer reference');
    const id = findIssuerId(this.index(), ref);
    const record = id === undefined ? undefined : this.#issuers.get(id);
    if (record === undefined) throw invalidRequest(issuerNotFound(ref));
    return record;
  }

  findKey(reference: string): string | undefined {
    return findKeyId(this.index(), canonicalRef(reference));
  }

  put(record: IssuerRecord): void {
    this.#issuers.set(record.id, record);
    this.#changed.add(record.id);
  }

  /** The other default's issuer has another place in the world from now on: both count as modified. */
  setDefaultIssuer(id: string): void {
    if (id === this.#defaultIssuer) return;
    for (const each of [this.#defaultIssuer, id]) {
      const record = this.#issuers.get(each);
      if (record !== undefined) this.put({ ...record, lastModifiedMs: this.#nowMs });
    }
    this.#defaultIssuer = id;
  }

  /** @throws {RequestError} another key has the name */
  importKey(key: KeyObject, name: string): Imported<KeyRecord> {
    const type = keyTypeOf(key);
    if (type === undefined) throw invalidRequest('unsupported private key type within pem bundle');
    const publicKey = publicKeyInfoOf(key).toString('base64');
    for (const [id, record] of this.#keys) {
      if (record.publicKey === publicKey) return { id, record, existed: true };
    }
    if (name !== '' && [...this.#keys.values()].some((each) => each.name === name)) {
      throw invalidRequest('an existing key is using the requested key name value');
    }
    assertRoom(this.#keys.size);
    const id = uuid(this.#random);
    const record: KeyRecord = { name, type, publicKey };
    this.#keys.set(id, record);
    this.#store.put(materialKey(id), key.export({ format: 'der', type: 'pkcs8' }));
    this.#adopt(id, publicKey);
    if (this.#defaultKey === '') this.#defaultKey = id;
    return { id, record, existed: false };
  }

  /** Issuers that came before their key. */
  #adopt(keyId: string, publicKey: string): void {
    for (const record of this.#issuers.values()) {
      if (record.keyId !== '') continue;
      if (this.certificate(record.id).publicKeyInfo.toString('base64') !== publicKey) continue;
      this.put({ ...record, keyId });
      if (this.#defaultIssuer === '') this.setDefaultIssuer(record.id);
    }
  }

  renameKey(id: string, name: string): KeyRecord {
    const record = this.#keys.get(id);
    if (record === undefined) throw new Error('no such key');
    const renamed = { ...record, name };
    this.#keys.set(id, renamed);
    return renamed;
  }

  /** @throws {RequestError} not an authority's certificate, or another issuer has the name */
  importIssuer(certificate: Certificate, name: string): Imported<IssuerRecord> {
    if (!isAuthority(certificate)) throw invalidRequest('Refusing to import non-CA certificate');
    for (const record of this.#issuers.values()) {
      if (this.certificate(record.id).der.equals(certificate.der)) {
        return { id: record.id, record, existed: true };
      }
    }
    if (name !== '' && [...this.#issuers.values()].some((each) => each.name === name)) {
      throw invalidRequest('another issuer is using the requested name');
    }
    assertRoom(this.#issuers.size);
    const id = uuid(this.#random);
    const publicKey = certificate.publicKeyInfo.toString('base64');
    const keyId = [...this.#keys].find(([, each]) => each.publicKey === publicKey)?.[0] ?? '';
    const mayList = ((keyUsageOf(certificate) ?? 0) & KEY_USAGE.crlSign) !== 0;
    const usage: Usage[] = mayList
      ? ['crl-signing', 'issuing-certificates', 'ocsp-signing']
      : ['issuing-certificates', 'ocsp-signing'];
    this.#certificates.set(id, certificate);
    this.put({
      id,
      name,
      keyId,
      certificate: certificate.der.toString('base64'),
      serial: serialText(certificate.serial),
      chain: [id],
      manualChain: [],
      leafBehavior: 'err',
      usage,
      revocationAlgorithm: '',
      lastModifiedMs: this.#nowMs,
    });
    this.rebuildChains();
    if (this.#defaultIssuer === '' && keyId !== '') this.setDefaultIssuer(id);
    return { id, record: this.issuer(id), existed: false };
  }

  rebuildChains(): void {
    const links = [...this.#issuers.values()].map(({ id, manualChain }) => ({
      id,
      manualChain,
      certificate: this.certificate(id),
    }));
    for (const [id, chain] of buildChains(links)) {
      const record = this.#issuers.get(id);
      if (record === undefined || sameList(record.chain, chain)) continue;
      this.put({ ...record, chain });
    }
  }

  /** @returns whether it was the default. */
  deleteIssuer(id: string): boolean {
    const wasDefault = this.#defaultIssuer === id;
    if (wasDefault) this.#defaultIssuer = '';
    this.#issuers.delete(id);
    this.#certificates.delete(id);
    this.#changed.add(id);
    return wasDefault;
  }

  /** @returns whether it was the default. */
  deleteKey(id: string): boolean {
    const wasDefault = this.#defaultKey === id;
    if (wasDefault) this.#defaultKey = '';
    this.#keys.delete(id);
    this.#store.delete(materialKey(id));
    return wasDefault;
  }

  /** Id of an issuer that uses the key. */
  userOf(keyId: string): string | undefined {
    return [...this.#issuers.values()].find((each) => each.keyId === keyId)?.id;
  }

  save(): void {
    for (const id of this.#changed) {
      const record = this.#issuers.get(id);
      if (record === undefined) this.#store.delete(ISSUERS + id);
      else this.#store.putJson(ISSUERS + id, record);
    }
    this.#changed.clear();
    this.#store.putJson(indexKey, this.index());
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

function assertRoom(count: number): void {
  if (count >= AUTHORITIES_MAX) {
    throw invalidRequest(`a mount holds at most ${AUTHORITIES_MAX} issuers and as many keys`);
  }
}
