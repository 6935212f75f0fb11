/** A mount as -format=json shows it: the keys of the reference in its order. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../client/json.ts';
import { sortDeep } from '../../render/documents.ts';

/** Keys that always show, with what stands for a missing one. */
const KEYS: readonly (readonly [string, JsonValue])[] = [
  ['uuid', ''],
  ['type', ''],
  ['description', ''],
  ['accessor', ''],
];
const KEYS_AFTER_CONFIG: readonly (readonly [string, JsonValue])[] = [
  ['options', null],
  ['local', false],
  ['seal_wrap', false],
  ['external_entropy_access', false],
  ['plugin_version', ''],
  ['running_plugin_version', ''],
  ['running_sha256', ''],
  ['deprecation_status', ''],
];
const CONFIG_KEYS: readonly (readonly [string, JsonValue])[] = [
  ['default_lease_ttl', 0],
  ['max_lease_ttl', 0],
  ['force_no_cache', false],
];
/** Shown only when they hold something. */
const CONFIG_EXTRAS = [
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'listing_visibility',
  'passthrough_request_headers',
  'allowed_response_headers',
  'token_type',
  'allowed_managed_keys',
];

export function mountDocument(mount: JsonValue | undefined): JsonValue {
  if (!isJsonObject(mount)) return mount ?? null;
  const document: JsonObject = {};
  for (const [key, missing] of KEYS) document[key] = mount[key] ?? missing;
  document['config'] = configDocument(isJsonObject(mount['config']) ? mount['config'] : {});
  for (const [key, missing] of KEYS_AFTER_CONFIG) document[key] = sortDeep(mount[key] ?? missing);
  return document;
}

function configDocument(config: JsonObject): JsonObject {
  const document: JsonObject = {};
  for (const [key, missing] of CONFIG_KEYS) document[key] = config[key] ?? missing;
  for (const key of CONFIG_EXTRAS) {
    const value = config[key];
    const empty =
      value === undefined ||
      value === null ||
      value === '' ||
      (Array.isArray(value) && value.length === 0);
    if (!empty) document[key] = value;
  }
  return document;
}
