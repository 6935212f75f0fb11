/** `crls` and `config`: certificates that are revoked, by lists that are sent or fetched, and settings of the whole mount. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { DerError } from '../../crypto/der.ts';
import type { Presented } from '../../crypto/x509/chain.ts';
import { readCertificate } from '../../crypto/x509/certificate.ts';
import { readRevocationList } from '../../crypto/x509/revocation-list.ts';
import type { RevocationList } from '../../crypto/x509/revocation-list.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reader, Stored } from '../../model/transaction.ts';
import { entryPaths, settingsPath } from '../../model/listing/entry-paths.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchBytes } from '../fetch-json.ts';
import { namesBelow } from '../../model/listing/list-names.ts';

/** Bounds of `ocsp_cache_size`. */
const CACHE_SIZE_MIN = 2;
const CACHE_SIZE_MAX = 100_000;

const CRLS = 'crl/';
const CONFIG = 'config';
/** Longest list, in bytes of DER: what fits into one record. */
const CRL_BYTES_MAX = 700 * 1024;
/** A fetched list that names no end is fetched again after so long. */
const UNDATED_MS = 60 * 60_000;
/** Between two tries at a list that cannot be fetched. */
const TRY_AGAIN_MS = 60_000;
const LISTS_MAX = 1000;

interface StoredCrl {
  /** DER, base64. */
  readonly der: string;
  /** '' for a list that was sent. */
  readonly url: string;
}

export interface CertConfig {
  readonly disable_binding: boolean;
  readonly enable_identity_alias_metadata: boolean;
  readonly ocsp_cache_size: number;
}

const FRESH: CertConfig = {
  disable_binding: false,
  enable_identity_alias_metadata: false,
  ocsp_cache_size: 0,
};

export async function configOf(store: Reader): Promise<Stored<CertConfig>> {
  return (await store.getRecord<CertConfig>(CONFIG)) ?? FRESH;
}

interface Read {
  readonly list: RevocationList;
  readonly serials: ReadonlySet<string>;
}

function readList(der: Buffer): Read | undefined {
  if (der.length === 0 || der.length > CRL_BYTES_MAX) return undefined;
  try {
    const list = readRevocationList(der);
    return { list, serials: new Set(list.revoked.map(({ serial }) => serial.toString('hex'))) };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** PEM, or DER in base64. */
function derOf(text: string): Buffer {
  const pem = /-----BEGIN (?:X509 )?CRL-----([A-Za-z0-9+/=\s]+)-----END (?:X509 )?CRL-----/.exec(
    text,
  );
  return Buffer.from(pem?.[1] ?? text, 'base64');
}

interface Fetched {
  readonly atMs: number;
  readonly der: Buffer | undefined;
}

export interface CrlPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: FetchBytes;
}

export class RevocationLists {
  readonly #ports: CrlPorts;
  /** Lists read once per stored revision, or per fetch. */
  readonly #read = new WeakMap<object, Read>();
  /** Fetched since their record was written, by URL. */
  readonly #fetched = new Map<string, Fetched>();

  constructor(ports: CrlPorts) {
    this.#ports = ports;
  }

  /** Undefined when no list of the mount speaks against the certificates of a chain; else why they may not be used. */
  async fault(
    store: Reader,
    chain: readonly Presented[],
    nowMs: number,
  ): Promise<string | undefined> {
    const names = await namesBelow(store, CRLS);
    if (names.length === 0) return undefined;
    const certificates = chain.map(({ der }) => readCertificate(der));
    for (const name of names) {
      const record = await store.getRecord<StoredCrl>(CRLS + name);
      const read = record === undefined ? undefined : await this.#current(record, nowMs);
      if (record === undefined || read === undefined) continue;
      for (const [index, certificate] of certificates.entries()) {
        if (!certificate.issuer.equals(read.list.issuer)) continue;
        const issuer = certificates[index + 1] ?? certificate;
        // A list that was sent is its sender's word; one that was fetched must be the issuer's.
        if (record.url !== '' && !read.list.isSignedBy(issuer.publicKeyInfo))
          return 'a revocation list is not its issuer’s';
        if (read.serials.has(certificate.serial.toString('hex'))) return 'a certificate is revoked';
      }
    }
    return undefined;
  }

  #parsed(key: object, der: () => Buffer): Read | undefined {
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    const read = readList(der());
    if (read !== undefined) this.#read.set(key, read);
    return read;
  }

  /** A list that is due is fetched; while it cannot be, the last one serves. */
  async #current(record: Stored<StoredCrl>, nowMs: number): Promise<Read | undefined> {
    const stored = this.#parsed(record, () => Buffer.from(record.der, 'base64'));
    if (record.url === '') return stored;
    const last = this.#fetched.get(record.url);
    const newest =
      last?.der === undefined ? stored : this.#parsed(last.der, () => last.der ?? Buffer.alloc(0));
    const dueMs = newest?.list.nextUpdateMs ?? (newest?.list.thisUpdateMs ?? 0) + UNDATED_MS;
    const triedMs = last?.atMs ?? 0;
    if (newest !== undefined && (dueMs > nowMs || triedMs + TRY_AGAIN_MS > nowMs)) return newest;
    const fetched = await this.fetch(record.url).catch((error: unknown) => {
      if (!(error instanceof FetchError)) throw error;
      this.#ports.log.warn('a revocation list cannot be fetched', { reason: error.message });
      return undefined;
    });
    const usable = fetched === undefined ? undefined : this.#parsed(fetched, () => fetched);
    if (this.#fetched.size >= LISTS_MAX) this.#fetched.clear();
    this.#fetched.set(record.url, { atMs: nowMs, der: usable === undefined ? last?.der : fetched });
    return usable ?? newest;
  }

  /** The DER of a list. @throws {FetchError} */
  async fetch(url: string): Promise<Buffer> {
    const { status, body } = await this.#ports.fetch(url);
    if (status !== 200) throw new FetchError(`status ${status}`);
    const text = body.subarray(0, 64).toString('latin1');
    const der = text.includes('-----BEGIN') ? derOf(body.toString()) : body;
    if (readList(der) === undefined) throw new FetchError('not a revocation list');
    return der;
  }
}

function shown(record: Stored<StoredCrl>): Record<string, unknown> {
  const read = readList(Buffer.from(record.der, 'base64'));
  const serials = (read?.list.revoked ?? []).map(({ serial }) =>
    BigInt(`0x${serial.toString('hex') || '0'}`).toString(),
  );
  const untilMs = read?.list.nextUpdateMs ?? 0;
  return {
    ...(serials.length === 0
      ? {}
      : { serials: Object.fromEntries(serials.map((each) => [each, {}])) }),
    ...(record.url === ''
      ? {}
      : { cdp: { url: record.url, valid_until: new Date(untilMs).toISOString() } }),
  };
}

export function crlPaths(lists: RevocationLists): readonly Path[] {
  async function derFrom(text: string, url: string): Promise<Buffer> {
    if (text === '' && url === '') throw invalidRequest("one of 'crl' or 'url' must be provided");
    if (text !== '') return derOf(text);
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw invalidRequest('invalid CRL url');
    try {
      return await lists.fetch(url);
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      throw invalidRequest('failed to fetch CRL', { detail: error.message });
    }
  }

  return [
    ...entryPaths({
      folder: 'crls',
      parameter: 'name',
      prefix: CRLS,
      one: 'revocation list',
      many: 'revocation lists',
      fields: {
        name: { kind: 'lower_string', description: 'Name of the list.' },
        crl: { kind: 'string', description: 'The list, in PEM.', default: '' },
        url: { kind: 'string', description: 'Where the list is fetched from.', default: '' },
      },
      tellsCreate: false,
      outsideEffects: true,
      async read(store, key) {
        const record = await store.getRecord<StoredCrl>(CRLS + key);
        if (record === undefined) throw invalidRequest(`no such CRL ${key}`);
        return shown(record);
      },
      async write(request, store) {
        const { crl: text, url } = request.fields;
        const der = await derFrom(text, url);
        if (readList(der) === undefined) throw invalidRequest('failed to parse CRL');
        const record: StoredCrl = { der: der.toString('base64'), url: text === '' ? url : '' };
        store.putJson(CRLS + (request.fields.name ?? ''), record);
        return undefined;
      },
      async remove(store, key) {
        const record = await store.getRecord<StoredCrl>(CRLS + key);
        if (record === undefined) throw invalidRequest(`no such CRL ${key}`);
        store.delete(CRLS + key);
      },
    }),
    settingsPath({
      pattern: 'config',
      fields: {
        disable_binding: {
          kind: 'bool',
          description: 'A renewal may come without the certificate of the login.',
        },
        enable_identity_alias_metadata: {
          kind: 'bool',
          description: 'Metadata of the certificate goes to the alias too.',
        },
        ocsp_cache_size: { kind: 'int', description: 'Answers of responders that are kept.' },
      },
      synopsis: 'Shows and changes the settings of the mount.',
      read: async (store) => ({ ...(await configOf(store)) }),
      async write({ fields }, store) {
        const before = await configOf(store);
        const { ocsp_cache_size: size } = fields;
        if (size !== undefined && (size < CACHE_SIZE_MIN || size > CACHE_SIZE_MAX)) {
          throw invalidRequest(
            `invalid cache size, must be >= ${CACHE_SIZE_MIN} and <= ${CACHE_SIZE_MAX}`,
          );
        }
        const config: CertConfig = {
          disable_binding: fields.disable_binding ?? before.disable_binding,
          enable_identity_alias_metadata:
            fields.enable_identity_alias_metadata ?? before.enable_identity_alias_metadata,
          ocsp_cache_size: fields.ocsp_cache_size ?? before.ocsp_cache_size,
        };
        store.putJson(CONFIG, config);
        return undefined;
      },
    }),
  ];
}
