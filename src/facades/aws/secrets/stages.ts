/**
 * Staging labels. AWSCURRENT is the version that reads without a number answer, and AWSPREVIOUS the one before it, so that a write
 * through any API moves them; all other labels are those that every API sees.
 */
import { findVersion, isDestroyed, servedNumber } from '../../../model/secret.ts';
import type { Secret, Version } from '../../../model/secret.ts';

export const CURRENT = 'AWSCURRENT';
export const PREVIOUS = 'AWSPREVIOUS';
export const PENDING = 'AWSPENDING';

/** The caller's own id of the write, else the version's. */
export function versionIdOf(version: Version): string {
  return version.writeToken ?? version.id;
}

export function versionById(secret: Secret, id: string): Version | undefined {
  return (
    secret.versions.findLast((version) => version.writeToken === id) ??
    secret.versions.findLast((version) => version.writeToken === undefined && version.id === id)
  );
}

/** Labels of a version, in order. */
export function stagesOf(secret: Secret, version: Version): readonly string[] {
  const stages: string[] = [];
  const { labels } = secret;
  if (labels !== undefined) {
    for (const [label, number] of Object.entries(labels)) {
      if (number === version.number && label !== CURRENT && label !== PREVIOUS) stages.push(label);
    }
  }
  if (servedNumber(secret) === version.number) stages.push(CURRENT);
  else if (secret.previous === version.number) stages.push(PREVIOUS);
  return stages.length < 2 ? stages : stages.sort();
}

export function versionByStage(secret: Secret, stage: string): Version | undefined {
  const labels = secret.labels ?? {};
  const number =
    stage === CURRENT
      ? servedNumber(secret)
      : stage === PREVIOUS
        ? secret.previous
        : Object.hasOwn(labels, stage)
          ? labels[stage]
          : undefined;
  return number === undefined ? undefined : findVersion(secret, number);
}

/** Labels by version id: of versions with a label, and of those that wait for their value. */
export function stagesById(secret: Secret): Record<string, readonly string[]> {
  const found: [string, readonly string[]][] = [];
  for (const version of secret.versions) {
    const stages = stagesOf(secret, version);
    if (stages.length > 0) found.push([versionIdOf(version), stages]);
  }
  for (const [id, stages] of Object.entries(secret.waiting ?? {})) found.push([id, stages]);
  return Object.fromEntries(found);
}

export function hasValue(version: Version, nowMs: number): boolean {
  return !isDestroyed(version, nowMs);
}

/** A version that waited for its value has it; labels that moved to it leave the others that wait. */
export function withoutWaiting(secret: Secret, token: string, moved: readonly string[]): Secret {
  const { waiting, ...rest } = secret;
  if (waiting === undefined) return secret;
  const left = Object.entries(waiting)
    .filter(([id]) => id !== token)
    .map(([id, stages]): [string, readonly string[]] => [
      id,
      stages.filter((stage) => !moved.includes(stage)),
    ])
    .filter(([, stages]) => stages.length > 0);
  return left.length === 0 ? rest : { ...rest, waiting: Object.fromEntries(left) };
}
