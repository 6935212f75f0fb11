/** Values as bytes, with ids, labels and attributes: how the views of other APIs read and write through `data/`. */
import { timingSafeEqual } from 'node:crypto';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { SecretRecord } from '../secret/record.ts';
import { findVersion, isGone, isReadable, servedNumber } from '../secret/secret.ts';
import type { Placement, Secret, Version } from '../secret/secret.ts';
import { loadSecret, valueOf } from '../secret/secret-store.ts';
import { assertLabel, assertShort, detailedSecret, detailedVersion } from './version-attributes.ts';
import type { AttributeValues } from './version-attributes.ts';
import type { Reply } from '../../../model/reply.ts';

export const DETAIL_FIELDS = {
  detail: {
    kind: 'bool',
    description: 'For a read: answer the value as text or base64, with everything known about it.',
    query: true,
  },
  version_id: {
    kind: 'string',
    description: 'For a read with detail: the id of the version. For a write: the id to give it.',
  },
  label: { kind: 'string', description: 'For a read with detail: a label of the version.' },
  value: {
    kind: 'string',
    description: 'For a write, instead of data: the value as text, or as base64.',
    sensitive: true,
  },
  encoding: {
    kind: 'string',
    description: 'How value is written: "text", or "base64" for bytes. A value needs it.',
    allowedValues: ['text', 'base64'],
  },
  labels: { kind: 'comma_string_list', description: 'Labels to move to the version written.' },
  serve: {
    kind: 'bool',
    description: 'False: reads without a version go on to answer the version they answered before.',
  },
  write_token: {
    kind: 'string',
    description: 'The caller’s id of this write: a repetition with the same value changes nothing.',
  },
} as const;

export interface DetailValues extends AttributeValues {
  readonly path: string | undefined;
  readonly version: number | undefined;
  readonly detail: boolean | undefined;
  readonly version_id: string | undefined;
  readonly label: string | undefined;
  readonly value: string | undefined;
  readonly encoding: string | undefined;
  readonly labels: readonly string[] | undefined;
  readonly serve: boolean | undefined;
  readonly write_token: string | undefined;
}

/** The version that a read names by number, id or label; several must agree. Without any, the served one. */
function chosenVersion(secret: Secret, fields: DetailValues): Version | undefined {
  const { version: number = 0, version_id: id = '', label = '' } = fields;
  const labels = secret.labels ?? {};
  const named = [
    ...(number > 0 ? [findVersion(secret, number)] : []),
    ...(id === '' ? [] : [secret.versions.find((version) => version.id === id)]),
    ...(label === ''
      ? []
      : [Object.hasOwn(labels, label) ? findVersion(secret, labels[label] ?? 0) : undefined]),
  ];
  const [first] = named;
  if (named.length === 0) return findVersion(secret, servedNumber(secret));
  return named.every((version) => version === first) ? first : undefined;
}

/** Text where it is text, else base64. */
function shownValue(version: Version, value: Buffer): Record<string, unknown> {
  return version.form === 'binary'
    ? { encoding: 'base64', value: value.toString('base64') }
    : { encoding: 'text', value: value.toString() };
}

/** A value that may not be handed out is null; its version says why. */
export async function readDetailed(
  request: Request<DetailValues>,
  store: Transaction,
): Promise<Reply> {
  const path = request.fields.path ?? '';
  const record = await loadSecret(store, path);
  const version = record === undefined ? undefined : chosenVersion(record.secret, request.fields);
  if (record === undefined || version === undefined || isGone(record.secret, request.nowMs)) {
    throw notFound();
  }
  const metadata = detailedVersion(record.secret, version);
  const { versions: _versions, ...secret } = detailedSecret(record.secret);
  if (!isReadable(version, request.nowMs)) {
    return { status: 404, data: { encoding: null, metadata, secret, value: null } };
  }
  const value = await valueOf(store, path, record, version.number);
  return { data: { ...shownValue(version, value), metadata, secret } };
}

export interface WrittenValue {
  readonly value: Buffer;
  readonly form?: 'text' | 'binary';
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The bytes of `value`; undefined when none was sent. Without `encoding` it is none: a client that takes the mount for
 * version 1 may send a member of that name, and has to be told.
 * @throws {RequestError}
 */
export function writtenValue(
  fields: Pick<DetailValues, 'value' | 'encoding'>,
): WrittenValue | undefined {
  const { value, encoding } = fields;
  if (value === undefined || encoding === undefined) return undefined;
  if (encoding === 'text') return { value: Buffer.from(value), form: 'text' };
  if (value.length % 4 !== 0 || !BASE64.test(value)) throw invalidRequest('value is not base64');
  return { value: Buffer.from(value, 'base64'), form: 'binary' };
}

/** The id and token that the writer chose. @throws {RequestError} the id is taken, or too long */
export function chosenIds(
  fields: DetailValues,
  secret: Secret,
  requestId: string,
): { readonly id: string; readonly writeToken?: string } {
  const id = assertShort('version_id', fields.version_id ?? '') || requestId;
  if (secret.versions.some((version) => version.id === id)) {
    throw invalidRequest('version_id is the id of another version');
  }
  const writeToken = assertShort('write_token', fields.write_token ?? '');
  return writeToken === '' ? { id } : { id, writeToken };
}

export function placementOf(fields: DetailValues): Placement {
  return {
    ...(fields.serve === false ? { keepServed: true } : {}),
    ...(fields.labels === undefined ? {} : { labels: fields.labels.map(assertLabel) }),
  };
}

/**
 * The version that an earlier write with the same token made, if there was one.
 * @throws {RequestError} it wrote another value
 */
export async function repeatedWrite(
  fields: DetailValues,
  store: Transaction,
  path: string,
  record: SecretRecord,
  value: Buffer,
): Promise<Version | undefined> {
  const token = fields.write_token ?? '';
  if (token === '') return undefined;
  const version = record.secret.versions.find((one) => one.writeToken === token);
  if (version === undefined) return undefined;
  const before = await valueOf(store, path, record, version.number);
  if (before.length !== value.length || !timingSafeEqual(before, value)) {
    throw invalidRequest('write_token was used for another value');
  }
  return version;
}
