/** `keys`: shared secrets, made here for others or made elsewhere for us. */
import { decodeBase32, encodeBase32 } from '../../base/base32.ts';
import { parseDecimalInteger } from '../../base/duration.ts';
import type { Random } from '../../base/random.ts';
import type { TotpHash, TotpShape } from '../../crypto/totp.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import { listPath } from '../../model/listing/list-path.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { formatKeyUri, parseKeyUri } from './key-uri.ts';
import { qrCodePng } from './qr-code.ts';
import type { Reply } from '../../model/reply.ts';

const KEYS = 'key/';
/** Where the time steps lie whose codes were used. */
const USED = 'used/';

const DEFAULT_DIGITS = 6;
const DEFAULT_PERIOD_SECONDS = 30;
const DEFAULT_KEY_BYTES = 20;
const DEFAULT_QR_PIXELS = 200;
/** Longest key, in bytes: no hash has a longer block. */
const KEY_BYTES_MAX = 1024;
const QR_PIXELS_MAX = 2000;
/** Longest of the names in an address, which must fit into a QR code. */
const NAME_LENGTH_MAX = 256;

/** Names of the API, and of the hash. */
const ALGORITHMS: ReadonlyMap<string, TotpHash> = new Map([
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
  ['SHA512', 'sha512'],
]);

export interface TotpKey {
  /** Base32. */
  readonly secret: string;
  readonly issuer: string;
  readonly accountName: string;
  readonly periodSeconds: number;
  readonly algorithm: string;
  readonly digits: number;
  /** Time steps before and after the present one whose codes are taken too. */
  readonly skew: number;
}

/** What the segment of a key's path may hold: account names are mail addresses as a rule. */
const KEY_NAME = /^\w(?:[\w.@-]*\w)?$/;

function checkName(name: string): void {
  if (!KEY_NAME.test(name)) throw notFound('unsupported path');
}

/** Never through the cache of decoded records: it holds the secret. */
export async function totpKey(store: Reader, name: string): Promise<TotpKey | undefined> {
  checkName(name);
  return await store.getJson<TotpKey>(KEYS + name);
}

export function usedCodes(name: string): string {
  return USED + name;
}

export function shapeOf(key: TotpKey): TotpShape {
  const { digits, periodSeconds } = key;
  return { hash: ALGORITHMS.get(key.algorithm) ?? 'sha1', digits, periodSeconds };
}

const NAME = { kind: 'string', description: 'Name of the key.', default: '' } as const;

const KEY_FIELDS = {
  name: NAME,
  generate: {
    kind: 'bool',
    description: 'The key is made here; else it is sent as `key` or in `url`.',
    default: false,
  },
  exported: {
    kind: 'bool',
    description: 'A key that is made here is shown, this once, as an address and a QR code.',
    default: true,
  },
  key_size: {
    kind: 'int',
    description: 'Length of a key that is made here, in bytes.',
    default: DEFAULT_KEY_BYTES,
  },
  key: { kind: 'string', description: 'The shared secret in base32.', sensitive: true },
  issuer: { kind: 'string', description: 'Who the account is with.', default: '' },
  account_name: { kind: 'string', description: 'Whose account it is.', default: '' },
  period: {
    kind: 'duration_seconds',
    description: 'How long a code counts.',
    default: DEFAULT_PERIOD_SECONDS,
  },
  algorithm: { kind: 'string', description: 'SHA1, SHA256 or SHA512.', default: 'SHA1' },
  digits: { kind: 'int', description: 'Length of a code: 6 or 8.', default: DEFAULT_DIGITS },
  skew: {
    kind: 'int',
    description: 'Periods before and after the present one whose codes are taken too: 0 or 1.',
    default: 1,
  },
  qr_size: {
    kind: 'int',
    description: 'Size of the QR code in pixels; 0 for none.',
    default: DEFAULT_QR_PIXELS,
  },
  url: {
    kind: 'string',
    description: 'An otpauth address with the key in it.',
    sensitive: true,
  },
} as const;

interface KeyFields {
  readonly name: string;
  readonly generate: boolean;
  readonly exported: boolean;
  readonly key_size: number;
  readonly key: string | undefined;
  readonly issuer: string;
  readonly account_name: string;
  readonly period: number;
  readonly algorithm: string;
  readonly digits: number;
  readonly skew: number;
  readonly qr_size: number;
  readonly url: string | undefined;
}

function numberIn(text: string | undefined, otherwise: number, what: string): number {
  if (text === undefined) return otherwise;
  const number = parseDecimalInteger(text);
  if (number === undefined) {
    throw invalidRequest(`an error occurred while parsing ${what} value in url`);
  }
  return number;
}

/** What the fields and the address in them say together; the address wins. */
function described(fields: KeyFields): TotpKey {
  const { url = '', skew } = fields;
  if (fields.generate && (fields.key ?? '') !== '') {
    throw invalidRequest('a key should not be passed if generate is true');
  }
  if (fields.generate && url !== '') {
    throw invalidRequest('a url should not be passed if generate is true');
  }
  const given = {
    secret: fields.key ?? '',
    issuer: fields.issuer,
    accountName: fields.account_name,
    periodSeconds: fields.period,
    algorithm: fields.algorithm,
    digits: fields.digits,
    skew,
  };
  if (url === '') return given;
  const uri = parseKeyUri(url);
  if (uri === undefined) throw invalidRequest('an error occurred while parsing url string');
  return {
    secret: uri.secret,
    issuer: uri.issuer ?? given.issuer,
    accountName: uri.accountName,
    periodSeconds: numberIn(uri.period, given.periodSeconds, 'period'),
    algorithm: uri.algorithm ?? given.algorithm,
    digits: numberIn(uri.digits, given.digits, 'digits'),
    skew,
  };
}

function check(key: TotpKey, fields: KeyFields): void {
  const problem =
    key.digits !== 6 && key.digits !== 8
      ? 'the digits value can only be 6 or 8'
      : !ALGORITHMS.has(key.algorithm)
        ? 'the algorithm value is not valid'
        : key.periodSeconds <= 0
          ? 'the period value must be greater than zero'
          : key.skew !== 0 && key.skew !== 1
            ? 'the skew value must be 0 or 1'
            : fields.qr_size < 0
              ? 'the qr_size value must be greater than or equal to zero'
              : fields.qr_size > QR_PIXELS_MAX
                ? `the qr_size value must not be greater than ${QR_PIXELS_MAX}`
                : fields.key_size <= 0
                  ? 'the key_size value must be greater than zero'
                  : fields.key_size > KEY_BYTES_MAX
                    ? `the key_size value must not be greater than ${KEY_BYTES_MAX}`
                    : Math.max(key.issuer.length, key.accountName.length) > NAME_LENGTH_MAX
                      ? `issuer and account_name must not be longer than ${NAME_LENGTH_MAX}`
                      : undefined;
  if (problem !== undefined) throw invalidRequest(problem);
}

const BASE32_GROUP = 8;

function checkGiven(secret: string): void {
  if (secret === '') throw invalidRequest('the key value is required');
  // Padding that is there is whole.
  const isPadded = secret.includes('=') && secret.length % BASE32_GROUP !== 0;
  const bytes = isPadded ? undefined : decodeBase32(secret);
  if (bytes === undefined || bytes.length === 0 || bytes.length > KEY_BYTES_MAX) {
    throw invalidRequest('invalid key value: illegal base32 data');
  }
}

async function exported(key: TotpKey, size: number): Promise<Reply> {
  const url = formatKeyUri(key);
  if (size === 0) return { data: { url } };
  const picture = await qrCodePng(url, size);
  if (picture === undefined) {
    throw invalidRequest('the qr_size value is too small for the QR code of this key');
  }
  return { data: { url, barcode: picture.toString('base64') } };
}

export function keyPaths(random: Random): readonly Path[] {
  async function create(
    { fields }: Request<KeyFields>,
    store: Transaction,
  ): Promise<Reply | undefined> {
    checkName(fields.name);
    const key = described(fields);
    check(key, fields);
    // A code that was used with another secret says nothing about this one.
    store.delete(usedCodes(fields.name));
    if (!fields.generate) {
      checkGiven(key.secret);
      store.putJson(KEYS + fields.name, key);
      return undefined;
    }
    if (key.accountName === '') {
      throw invalidRequest('the account_name value is required for generated keys');
    }
    if (key.issuer === '') {
      throw invalidRequest('the issuer value is required for generated keys');
    }
    const made = { ...key, secret: encodeBase32(random.bytes(fields.key_size)) };
    store.putJson(KEYS + fields.name, made);
    return fields.exported ? await exported(made, fields.qr_size) : undefined;
  }

  async function read(
    { fields }: Request<{ readonly name: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const key = await totpKey(store, fields.name);
    if (key === undefined) throw notFound();
    return {
      data: {
        account_name: key.accountName,
        algorithm: key.algorithm,
        digits: key.digits,
        issuer: key.issuer,
        period: key.periodSeconds,
      },
    };
  }

  function remove({ fields }: Request<{ readonly name: string }>, store: Transaction): undefined {
    checkName(fields.name);
    store.delete(KEYS + fields.name);
    store.delete(usedCodes(fields.name));
  }

  return [
    listPath('keys', KEYS, 'the keys'),
    definePath({
      pattern: 'keys/{name:any}',
      fields: KEY_FIELDS,
      help: {
        synopsis: 'Creates, reads and deletes a key.',
        description:
          'The secret is shown once, when it is made here, and never read back: only codes come of it.',
      },
      operations: {
        update: { summary: 'Create a key', handler: create },
        read: { summary: 'Read a key without its secret', handler: read },
        delete: { summary: 'Delete a key', handler: remove },
      },
    }),
  ];
}
