/** Changes of versions that are there already: attributes, labels, and which of them is served. Part of `metadata/`. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { mergePatch } from '../secret/merge-patch.ts';
import { setLabels } from '../../../model/secret.ts';
import { changeAttributes, emptySecret, findVersion } from '../secret/secret.ts';
import type { Secret } from '../secret/secret.ts';
import {
  assertSecretPath,
  loadForWrite,
  saveSecret,
  serveVersion,
} from '../secret/secret-store.ts';
import {
  assertAttributes,
  assertLabelCount,
  attributeChanges,
  changesAttributes,
  labelChanges,
} from './version-attributes.ts';
import type { AttributeValues } from './version-attributes.ts';

export interface VersionChangeValues extends AttributeValues {
  readonly path: string | undefined;
  readonly version: number | undefined;
  readonly labels: JsonObject | undefined;
  readonly served_version: number | undefined;
  readonly attributes: JsonObject | undefined;
}

function assertVersion(secret: Secret, number: number | undefined): number {
  if (number === undefined) throw invalidRequest('no version number provided');
  if (findVersion(secret, number) === undefined) throw notFound();
  return number;
}

function withAttributes(secret: Secret, sent: JsonObject | undefined): Secret {
  if (sent === undefined) return secret;
  const merged = mergePatch({ ...secret.attributes }, sent);
  if (!isJsonObject(merged)) throw invalidRequest('attributes must be a map');
  return { ...secret, attributes: assertAttributes(merged) };
}

/** What a secret was and is. */
interface Change {
  readonly before: Secret | undefined;
  readonly after: Secret;
}

/**
 * Does what the fields ask for. @returns undefined when they ask for nothing
 * @throws {RequestError} the secret or version does not exist, or a limit is exceeded
 */
export async function changeVersionState(
  request: Request<VersionChangeValues>,
  store: Transaction,
): Promise<Change | undefined> {
  const { fields, data, nowMs } = request;
  const path = fields.path ?? '';
  const changes = attributeChanges(fields, data);
  const { labels, served_version: served, attributes } = fields;
  const asked = [labels, served, attributes].some((value) => value !== undefined);
  if (!asked && !changesAttributes(changes)) return undefined;
  const existing = await loadForWrite(store, path, nowMs);
  let record = existing;
  if (record === undefined) {
    // Attributes set up a secret that has no value yet, as custom metadata does.
    if (request.operation === 'patch' || attributes === undefined) throw notFound();
    assertSecretPath(path);
    record = { secret: emptySecret(nowMs), value: Buffer.alloc(0) };
  }
  if (served !== undefined) {
    record = await serveVersion(store, path, record, assertVersion(record.secret, served));
  }
  let secret = withAttributes(record.secret, attributes);
  if (changesAttributes(changes)) {
    secret = changeAttributes(secret, assertVersion(secret, fields.version), changes);
  }
  if (labels !== undefined) secret = setLabels(secret, labelChanges(labels, secret));
  assertLabelCount(secret);
  secret = { ...secret, updatedMs: nowMs };
  saveSecret(store, path, { secret, value: record.value });
  return { before: existing?.secret, after: secret };
}
