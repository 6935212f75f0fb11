/** How secrets and versions look in the answers of KV version 2. */
import { formatGoDuration } from '../../../base/duration.ts';
import { formatTime, isWritableTime } from '../../../base/time-format.ts';
import { servedNumber } from '../secret/secret.ts';
import type { Secret, Version } from '../secret/secret.ts';
import type { RawReply, Reply } from '../../../model/reply.ts';

type CustomMetadata = Readonly<Record<string, string>>;

/** Empty metadata is shown as null. */
function shownCustom(custom: CustomMetadata): CustomMetadata | null {
  return Object.keys(custom).length === 0 ? null : custom;
}

/** An empty text for "never"; a time too far for the format counts as never too. */
function shownDeletion(version: Version): string {
  return version.deletedMs === undefined || !isWritableTime(version.deletedMs)
    ? ''
    : formatTime(version.deletedMs);
}

/** The metadata that goes with a version's data, and the answer of a write. */
export function shownVersion(version: Version, custom: CustomMetadata): Record<string, unknown> {
  return {
    created_time: formatTime(version.createdMs),
    custom_metadata: shownCustom(custom),
    deletion_time: shownDeletion(version),
    destroyed: version.destroyed === true,
    version: version.number,
  };
}

/** What `metadata/` answers. */
export function shownSecret(secret: Secret): Record<string, unknown> {
  return {
    cas_required: secret.casRequired,
    created_time: formatTime(secret.createdMs),
    current_metadata_version: secret.metadataVersion,
    current_version: servedNumber(secret),
    custom_metadata: shownCustom(secret.customMetadata),
    delete_version_after: formatGoDuration(secret.deleteVersionAfterSeconds * 1000),
    max_versions: secret.maxVersions,
    metadata_cas_required: secret.metadataCasRequired,
    oldest_version: secret.oldest,
    updated_time: formatTime(secret.updatedMs),
    versions: Object.fromEntries(
      secret.versions.map((version) => [
        version.number,
        {
          created_time: formatTime(version.createdMs),
          deletion_time: shownDeletion(version),
          destroyed: version.destroyed === true,
        },
      ]),
    ),
  };
}

/** A patch of what is not there is answered with 404 and no body at all. */
export function emptyNotFound(): Reply {
  const raw: RawReply = { contentType: 'application/json', body: '' };
  return { status: 404, raw };
}
