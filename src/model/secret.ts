/**
 * The versioned secret: the one concept that every protocol shows a part of. Its values are not here: the version table says
 * which exist, the KV engine keeps them (docs/decisions/0005).
 */
import type { JsonObject } from '../base/json.ts';

/** How a version's bytes are to be read. `object`: the compact JSON text of an object that came through the KV API. */
export type ValueForm = 'object' | 'text' | 'binary';

export interface Version {
  readonly number: number;
  /** UUID; for a version made by a KV write it is the id of that request, so that it leads to the audit record. */
  readonly id: string;
  readonly createdMs: number;
  /** When it becomes, or became, soft-deleted; absent = never. */
  readonly deletedMs?: number;
  /** Its value is gone for good. */
  readonly destroyed?: true;
  /** When its value went, where that is known. */
  readonly destroyedMs?: number;
  /** When its value is to go: it is switched off until then, and switching it on takes this back. */
  readonly destroyMs?: number;
  /** When its attributes were last changed; absent = as it was written. */
  readonly updatedMs?: number;
  /** Its writer sent a checksum of the value, and it was right. */
  readonly checked?: true;
  /** Absent = `object`. */
  readonly form?: Exclude<ValueForm, 'object'>;
  /** What the writer called the content: `text/plain`, `application/x-pkcs12` … */
  readonly contentType?: string;
  /** Switched off: kept, but not handed out. */
  readonly disabled?: true;
  readonly notBeforeMs?: number;
  readonly expiresMs?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** The caller's own id of the write, by which a repeated write is recognised. */
  readonly writeToken?: string;
}

export interface Secret {
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Highest number ever given; 0 = nothing was written yet. */
  readonly newest: number;
  /** The version that a read without a number answers; absent = the newest. */
  readonly served?: number;
  /** Lowest number that may still be in the table; 0 until something was purged. */
  readonly oldest: number;
  /** 0 = the mount's. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly metadataCasRequired: boolean;
  /** Counts the changes of the metadata, apart from those of the value. */
  readonly metadataVersion: number;
  /** 0 = the mount's. */
  readonly deleteVersionAfterSeconds: number;
  readonly customMetadata: Readonly<Record<string, string>>;
  /** The version that was served before the one that is; absent = none, or it is gone. */
  readonly previous?: number;
  /** A version that is kept until then, however few are: the value before a rotation, while it is valid at the target. */
  readonly graced?: { readonly number: number; readonly untilMs: number };
  /** The whole secret is soft-deleted since then: nothing of it is handed out, and nothing written, until it is recovered. */
  readonly deletedMs?: number;
  /** From then on the secret does not exist any more: the end of a recovery window, or of its life. */
  readonly purgeMs?: number;
  /** Names that point at versions: staging labels, version aliases. */
  readonly labels?: Readonly<Record<string, number>>;
  /** Versions that have an id (a write token) and labels, and wait for their value: a rotation makes it. */
  readonly waiting?: Readonly<Record<string, readonly string[]>>;
  /** What other APIs keep of a secret beside all this, each under a name of its own. Never a value. */
  readonly attributes?: Readonly<JsonObject>;
  /** Names of functions of the mount that are told what becomes of the secret, whichever API changes it. */
  readonly listeners?: readonly string[];
  /** Ascending by number. */
  readonly versions: readonly Version[];
}

/** The number that a read without a number answers, and that check-and-set compares with. */
export function servedNumber(secret: Secret): number {
  return secret.served ?? secret.newest;
}

export function findVersion(secret: Secret, number: number): Version | undefined {
  // The newest are asked for most.
  return secret.versions.findLast((version) => version.number === number);
}

/** True when the version's time has come. A deletion takes effect at its very millisecond. */
export function isDeleted(version: Version, nowMs: number): boolean {
  return version.deletedMs !== undefined && version.deletedMs <= nowMs;
}

/** True when the version's value is gone for good, or its time for that has come. */
export function isDestroyed(version: Version, nowMs: number): boolean {
  return (
    version.destroyed === true || (version.destroyMs !== undefined && version.destroyMs <= nowMs)
  );
}

/** True when the version's value may be handed out, whatever the API. */
export function isReadable(version: Version, nowMs: number): boolean {
  return version.disabled !== true && !isDestroyed(version, nowMs) && !isDeleted(version, nowMs);
}

interface Ending {
  readonly deletedMs?: number | undefined;
  readonly purgeMs?: number | undefined;
}

/** True when nothing of the secret may be handed out: it is soft-deleted as a whole, or its time is over. */
export function isGone(secret: Ending, nowMs: number): boolean {
  return secret.deletedMs !== undefined || isPurged(secret, nowMs);
}

/** True when the secret does not exist any more, though its record may still be there. */
export function isPurged(secret: Ending, nowMs: number): boolean {
  return secret.purgeMs !== undefined && secret.purgeMs <= nowMs;
}

/** Points labels at versions; 0 takes a label away. Numbers that name no version are the caller's to refuse. */
export function setLabels(secret: Secret, changes: Readonly<Record<string, number>>): Secret {
  const labels = new Map(Object.entries(secret.labels ?? {}));
  for (const [label, number] of Object.entries(changes)) {
    if (number === 0) labels.delete(label);
    else labels.set(label, number);
  }
  const { labels: _labels, ...rest } = secret;
  return labels.size === 0 ? rest : { ...rest, labels: Object.fromEntries(labels) };
}

/** What is known of a version before it has a number and a time. */
export type NewVersion = Omit<Version, 'number' | 'createdMs' | 'deletedMs' | 'destroyed'>;

export interface Placement {
  /** Leaves the served version as it is; the first version of a secret is served all the same. */
  readonly keepServed?: boolean;
  /** Labels that move to the new version. */
  readonly labels?: readonly string[];
  /** The version that was served stays until then, however few are kept. */
  readonly keepUntilMs?: number;
}
