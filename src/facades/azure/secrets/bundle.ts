/** How secrets and versions look in Key Vault's JSON. */
import { createHash } from 'node:crypto';
import type { Secret, Version } from '../../../model/secret.ts';
import { recoveryAttributes } from '../vault-rules.ts';
import type { Vault } from '../vault-rules.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id of a version as this API has it: 32 hexadecimal digits, whatever the id is elsewhere. */
export function hexId(version: Pick<Version, 'id'>): string {
  if (UUID.test(version.id)) return version.id.replaceAll('-', '');
  return createHash('sha256').update(version.id).digest('hex').slice(0, 32);
}

export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

export function attributesOf(version: Version, vault: Vault): Record<string, unknown> {
  return {
    enabled: version.disabled !== true,
    ...(version.notBeforeMs === undefined ? {} : { nbf: seconds(version.notBeforeMs) }),
    ...(version.expiresMs === undefined ? {} : { exp: seconds(version.expiresMs) }),
    created: seconds(version.createdMs),
    updated: seconds(version.updatedMs ?? version.createdMs),
    ...recoveryAttributes(vault),
  };
}

/** az and its kin mark by this tag what is base64 of a file's bytes, and decode it when they write the file. */
const ENCODING_TAG = 'file-encoding';

/** A version's own tags, else the texts that other APIs keep about the whole secret. */
export function tagsOf(secret: Secret, version: Version): Readonly<Record<string, string>> {
  const tags = version.tags ?? secret.customMetadata;
  return version.form === 'binary' && tags[ENCODING_TAG] === undefined
    ? { ...tags, [ENCODING_TAG]: 'base64' }
    : tags;
}

/** Everything about a version but its value. */
export function propertiesOf(
  vault: Vault,
  name: string,
  secret: Secret,
  version: Version,
): Record<string, unknown> {
  return {
    id: `${vault.base}/secrets/${name}/${hexId(version)}`,
    ...described(vault, secret, version),
  };
}

function described(vault: Vault, secret: Secret, version: Version): Record<string, unknown> {
  const tags = tagsOf(secret, version);
  return {
    ...(version.contentType === undefined ? {} : { contentType: version.contentType }),
    attributes: attributesOf(version, vault),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

/** An entry of the list of secrets: its id names no version. */
export function listedSecret(
  vault: Vault,
  name: string,
  secret: Secret,
  version: Version,
): Record<string, unknown> {
  return { id: `${vault.base}/secrets/${name}`, ...described(vault, secret, version) };
}

/** Text as it is; bytes as base64. */
export function valueText(version: Version, value: Buffer): string {
  return version.form === 'binary' ? value.toString('base64') : value.toString();
}

export function deletionOf(vault: Vault, name: string, secret: Secret): Record<string, unknown> {
  return {
    recoveryId: `${vault.base}/deletedsecrets/${name}`,
    ...(secret.deletedMs === undefined ? {} : { deletedDate: seconds(secret.deletedMs) }),
    ...(secret.purgeMs === undefined ? {} : { scheduledPurgeDate: seconds(secret.purgeMs) }),
  };
}
