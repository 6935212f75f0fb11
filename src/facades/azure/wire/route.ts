/** Which operation of Key Vault a request names. Method and number of segments decide: a secret may be called `restore`. */
import type { ObjectKind } from './errors.ts';

export type Action =
  | 'list'
  | 'listVersions'
  | 'listDeleted'
  | 'get'
  | 'set'
  | 'update'
  | 'delete'
  | 'getDeleted'
  | 'recover'
  | 'purge'
  | 'backup'
  | 'restore'
  | 'create'
  | 'import'
  | 'rotate'
  | 'getRotationPolicy'
  | 'setRotationPolicy'
  | 'encrypt'
  | 'decrypt'
  | 'sign'
  | 'verify'
  | 'wrapKey'
  | 'unwrapKey'
  | 'release'
  | 'attestation'
  | 'random'
  | 'getPolicy'
  | 'updatePolicy'
  | 'getPending'
  | 'updatePending'
  | 'deletePending'
  | 'merge'
  | 'getContacts'
  | 'setContacts'
  | 'deleteContacts'
  | 'listIssuers'
  | 'getIssuer'
  | 'setIssuer'
  | 'updateIssuer'
  | 'deleteIssuer';

export interface Operation {
  readonly kind: ObjectKind;
  readonly action: Action;
  /** Empty where the operation is about the whole vault. */
  readonly name: string;
  /** Empty for the newest. */
  readonly version: string;
}

const COLLECTIONS: ReadonlyMap<string, ObjectKind> = new Map([
  ['secrets', 'secret'],
  ['keys', 'key'],
  ['certificates', 'certificate'],
]);
const DELETED: ReadonlyMap<string, ObjectKind> = new Map([
  ['deletedsecrets', 'secret'],
  ['deletedkeys', 'key'],
  ['deletedcertificates', 'certificate'],
]);

export function isKeyVaultPath(segments: readonly string[]): boolean {
  const first = segments[0]?.toLowerCase() ?? '';
  return COLLECTIONS.has(first) || DELETED.has(first) || first === 'rng';
}

type Row = readonly [pattern: string, action: Action];

/** `{n}` a name, `{v}` a version; an exact word goes before either. The first row that fits is it. */
const ROWS: Readonly<Record<ObjectKind, readonly Row[]>> = {
  secret: [
    ['GET', 'list'],
    ['POST restore', 'restore'],
    ['POST {n} backup', 'backup'],
    ['GET {n} versions', 'listVersions'],
    ['PUT {n}', 'set'],
    ['DELETE {n}', 'delete'],
    ['GET {n}', 'get'],
    ['GET {n} {v}', 'get'],
    ['PATCH {n}', 'update'],
    ['PATCH {n} {v}', 'update'],
  ],
  key: [
    ['GET', 'list'],
    ['POST restore', 'restore'],
    ['POST {n} create', 'create'],
    ['POST {n} rotate', 'rotate'],
    ['POST {n} backup', 'backup'],
    ['GET {n} versions', 'listVersions'],
    ['GET {n} rotationpolicy', 'getRotationPolicy'],
    ['PUT {n} rotationpolicy', 'setRotationPolicy'],
    ['PUT {n}', 'import'],
    ['DELETE {n}', 'delete'],
    ['GET {n}', 'get'],
    ['GET {n} {v}', 'get'],
    ['PATCH {n}', 'update'],
    ['PATCH {n} {v}', 'update'],
    ['GET {n} {v} attestation', 'attestation'],
    ['POST {n} {v} encrypt', 'encrypt'],
    ['POST {n} {v} decrypt', 'decrypt'],
    ['POST {n} {v} sign', 'sign'],
    ['POST {n} {v} verify', 'verify'],
    ['POST {n} {v} wrapkey', 'wrapKey'],
    ['POST {n} {v} unwrapkey', 'unwrapKey'],
    ['POST {n} {v} release', 'release'],
    // Without a version, the newest.
    ['POST {n} encrypt', 'encrypt'],
    ['POST {n} decrypt', 'decrypt'],
    ['POST {n} sign', 'sign'],
    ['POST {n} verify', 'verify'],
    ['POST {n} wrapkey', 'wrapKey'],
    ['POST {n} unwrapkey', 'unwrapKey'],
    ['POST {n} release', 'release'],
  ],
  certificate: [
    ['GET', 'list'],
    ['GET contacts', 'getContacts'],
    ['PUT contacts', 'setContacts'],
    ['DELETE contacts', 'deleteContacts'],
    ['GET issuers', 'listIssuers'],
    ['GET issuers {n}', 'getIssuer'],
    ['PUT issuers {n}', 'setIssuer'],
    ['PATCH issuers {n}', 'updateIssuer'],
    ['DELETE issuers {n}', 'deleteIssuer'],
    ['POST restore', 'restore'],
    ['POST {n} create', 'create'],
    ['POST {n} import', 'import'],
    ['POST {n} backup', 'backup'],
    ['GET {n} versions', 'listVersions'],
    ['GET {n} policy', 'getPolicy'],
    ['PATCH {n} policy', 'updatePolicy'],
    ['GET {n} pending', 'getPending'],
    ['PATCH {n} pending', 'updatePending'],
    ['DELETE {n} pending', 'deletePending'],
    ['POST {n} pending merge', 'merge'],
    ['DELETE {n}', 'delete'],
    ['GET {n}', 'get'],
    ['GET {n} {v}', 'get'],
    ['PATCH {n}', 'update'],
    ['PATCH {n} {v}', 'update'],
  ],
};

const DELETED_ROWS: readonly Row[] = [
  ['GET', 'listDeleted'],
  ['GET {n}', 'getDeleted'],
  ['DELETE {n}', 'purge'],
  ['POST {n} recover', 'recover'],
];

function fit(
  pattern: string,
  method: string,
  words: readonly string[],
): Map<string, string> | undefined {
  const [verb, ...parts] = pattern.split(' ');
  if (verb !== method || parts.length !== words.length) return undefined;
  const found = new Map<string, string>();
  for (const [index, part] of parts.entries()) {
    const word = words[index] ?? '';
    if (part.startsWith('{')) found.set(part, word);
    else if (part !== word.toLowerCase()) return undefined;
  }
  return found;
}

/** The operation that a method and path name; undefined when there is none. */
export function routeOf(method: string, segments: readonly string[]): Operation | undefined {
  const [first = '', ...words] = segments;
  const collection = first.toLowerCase();
  if (collection === 'rng' && method === 'POST' && words.length === 0) {
    return { kind: 'key', action: 'random', name: '', version: '' };
  }
  const kind = COLLECTIONS.get(collection) ?? DELETED.get(collection);
  if (kind === undefined) return undefined;
  const rows = COLLECTIONS.has(collection) ? ROWS[kind] : DELETED_ROWS;
  for (const [pattern, action] of rows) {
    const found = fit(pattern, method, words);
    if (found !== undefined) {
      return { kind, action, name: found.get('{n}') ?? '', version: found.get('{v}') ?? '' };
    }
  }
  return undefined;
}

const NAME = /^[0-9A-Za-z-]{1,127}$/;
const VERSION = /^[0-9A-Za-z]{1,64}$/;

export function isName(text: string): boolean {
  return NAME.test(text);
}

export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Every version of the API since the first; later ones than are known now are taken too. */
const API_VERSION =
  /^(?:2015-06-01|2016-10-01|7\.\d{1,2}(?:-preview(?:\.\d{1,2})?)?|20[2-9]\d-\d{2}-\d{2}(?:-preview(?:\.\d{1,2})?)?)$/;

export function isApiVersion(text: string): boolean {
  return API_VERSION.test(text);
}
