/** A secret as rows of a table, as a document, and field by field. */
import type { JsonObject, JsonValue } from '../../client/json.ts';
import { isJsonObject } from '../../client/json.ts';
import type { Secret, SecretAuth, SecretWrapInfo } from '../../client/secret.ts';
import { sortDeep } from './documents.ts';
import { plainText, quotedList, shortDuration, shownValue, sortedKeys } from './values.ts';

export function secretRows(secret: Secret): string[][] {
  const rows: string[][] = [];
  if (secret.leaseDurationSeconds > 0) {
    const duration = shortDuration(secret.leaseDurationSeconds);
    if (secret.leaseId === '') rows.push(['refresh_interval', duration]);
    else {
      rows.push(['lease_id', secret.leaseId]);
      rows.push(['lease_duration', duration]);
      rows.push(['lease_renewable', String(secret.renewable)]);
    }
  }
  if (secret.auth !== undefined) rows.push(...authRows(secret.auth));
  if (secret.wrapInfo !== undefined) rows.push(...wrapRows(secret.wrapInfo));
  const { data } = secret;
  if (data !== undefined) {
    for (const key of sortedKeys(data)) rows.push([key, shownValue(key, data[key])]);
  }
  return rows;
}

function authRows(auth: SecretAuth): string[][] {
  if (auth.mfaRequirement !== undefined) return mfaRows(auth.mfaRequirement);
  const { leaseDurationSeconds: seconds } = auth;
  return [
    ['token', auth.clientToken],
    ['token_accessor', auth.accessor],
    // A lease of nothing is a root token's: it does not end.
    ['token_duration', seconds === 0 ? '∞' : shortDuration(seconds)],
    ['token_renewable', String(auth.renewable)],
    ['token_policies', quotedList(auth.tokenPolicies)],
    ['identity_policies', quotedList(auth.identityPolicies)],
    ['policies', quotedList(auth.policies)],
    ...sortedKeys(auth.metadata ?? {}).map((key) => [
      `token_meta_${key}`,
      plainText(auth.metadata?.[key]),
    ]),
  ];
}

function mfaRows(requirement: JsonObject): string[][] {
  const rows = [['mfa_request_id', plainText(requirement['mfa_request_id'])]];
  const constraints = requirement['mfa_constraints'];
  if (!isJsonObject(constraints)) return rows;
  for (const name of sortedKeys(constraints)) {
    const constraint = constraints[name];
    const any = isJsonObject(constraint) ? constraint['any'] : undefined;
    for (const method of Array.isArray(any) ? any.filter(isJsonObject) : []) {
      const prefix = `mfa_constraint_${name}_${plainText(method['type'])}`;
      rows.push([`${prefix}_id`, plainText(method['id'])]);
      rows.push([`${prefix}_uses_passcode`, plainText(method['uses_passcode'] ?? false)]);
      if (typeof method['name'] === 'string') rows.push([`${prefix}_name`, method['name']]);
    }
  }
  return rows;
}

function wrapRows(wrap: SecretWrapInfo): string[][] {
  const rows = [
    ['wrapping_token:', wrap.token],
    ['wrapping_accessor:', wrap.accessor],
    ['wrapping_token_ttl:', shortDuration(wrap.ttlSeconds)],
    ['wrapping_token_creation_time:', goTime(wrap.creationTime)],
    ['wrapping_token_creation_path:', wrap.creationPath],
  ];
  if (wrap.wrappedAccessor !== '') rows.push(['wrapped_accessor:', wrap.wrappedAccessor]);
  return rows;
}

/** RFC 3339 as Go prints a time: `2026-11-22 05:34:15.8 +0000 UTC`. */
export function goTime(text: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (parts === null) return text;
  const [, date = '', time = '', zone = 'Z'] = parts;
  const offset = zone.replace(':', '');
  return `${date} ${time} ${zone === 'Z' ? '+0000 UTC' : `${offset} ${offset}`}`;
}

const listOrNull = (list: readonly string[] | undefined): JsonValue =>
  list === undefined ? null : [...list];

/** The envelope in the order and with the keys of the reference. */
export function secretDocument(secret: Secret): JsonObject {
  const document: JsonObject = {
    request_id: secret.requestId,
    lease_id: secret.leaseId,
    lease_duration: secret.leaseDurationSeconds,
    renewable: secret.renewable,
    data: secret.data === undefined ? null : sortDeep(secret.data),
    warnings: listOrNull(secret.warnings),
  };
  const { auth, wrapInfo } = secret;
  if (auth !== undefined) {
    document['auth'] = {
      client_token: auth.clientToken,
      accessor: auth.accessor,
      policies: listOrNull(auth.policies),
      token_policies: listOrNull(auth.tokenPolicies),
      identity_policies: listOrNull(auth.identityPolicies),
      metadata: auth.metadata === undefined ? null : sortDeep(auth.metadata),
      orphan: auth.orphan,
      entity_id: auth.entityId,
      lease_duration: auth.leaseDurationSeconds,
      renewable: auth.renewable,
      mfa_requirement: auth.mfaRequirement ?? null,
    };
  }
  if (wrapInfo !== undefined) {
    document['wrap_info'] = {
      token: wrapInfo.token,
      accessor: wrapInfo.accessor,
      ttl: wrapInfo.ttlSeconds,
      creation_time: wrapInfo.creationTime,
      creation_path: wrapInfo.creationPath,
      wrapped_accessor: wrapInfo.wrappedAccessor,
    };
  }
  return document;
}

/** What -field names: a part of the envelope, else a key of the data. */
export function secretField(secret: Secret, field: string): JsonValue | undefined {
  const known =
    secret.auth !== undefined
      ? authField(secret.auth, field)
      : secret.wrapInfo !== undefined
        ? wrapField(secret.wrapInfo, field)
        : envelopeField(secret, field);
  return known ?? secret.data?.[field];
}

function authField(auth: SecretAuth, field: string): JsonValue | undefined {
  const fields = new Map<string, JsonValue>([
    ['token', auth.clientToken],
    ['token_accessor', auth.accessor],
    ['token_duration', auth.leaseDurationSeconds],
    ['token_renewable', auth.renewable],
    ['token_policies', [...(auth.tokenPolicies ?? [])]],
    ['identity_policies', [...(auth.identityPolicies ?? [])]],
    ['policies', [...(auth.policies ?? [])]],
  ]);
  return fields.get(field);
}

function wrapField(wrap: SecretWrapInfo, field: string): JsonValue | undefined {
  const fields = new Map<string, JsonValue>([
    ['wrapping_token', wrap.token],
    ['wrapping_accessor', wrap.accessor],
    ['wrapping_token_ttl', wrap.ttlSeconds],
    ['wrapping_token_creation_time', wrap.creationTime],
    ['wrapping_token_creation_path', wrap.creationPath],
    ['wrapped_accessor', wrap.wrappedAccessor],
  ]);
  return fields.get(field);
}

function envelopeField(secret: Secret, field: string): JsonValue | undefined {
  const fields = new Map<string, JsonValue>([
    ['lease_duration', secret.leaseDurationSeconds],
    ['lease_id', secret.leaseId],
    ['request_id', secret.requestId],
    ['renewable', secret.renewable],
    ['refresh_interval', secret.leaseDurationSeconds],
  ]);
  if (field === 'data') return secret.data?.['data'] ?? secret.data;
  return fields.get(field);
}
