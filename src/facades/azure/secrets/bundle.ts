/** How secrets and versions look in Key Vault's JSON. */
import { createHash } from 'node:crypto';
import type { Secret, Version } from '../../../model/secret.ts';
import { attributesOf, tagsMember } from '../objects/attributes.ts';
import type { Vault } from '../objects/vault-rules.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id of a version as this API has it: 32 hexadecimal digits, whatever the id is elsewhere. */
export function hexId(version: Pick<Version, 'id'>): string {
  if (UUID.test(version.id)) return version.id.replaceAll('-', '');
  return createHash('sha256').update(version.id).digest('hex').slice(0, 32);
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
  return {
    ...(version.contentType === undefined ? {} : { contentType: version.contentType }),
    attributes: attributesOf(version, vault),
    ...tagsMember(tagsOf(secret, version)),
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
