/** How secrets and versions look as messages of this API. */
import { createHash } from 'node:crypto';
import type { Secret, Version } from '../../../model/secret.ts';
import { isDeleted } from '../../../model/secret.ts';
import { secretText, versionText } from '../names.ts';
import type { SecretName } from '../names.ts';
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import { annotationsOf, googleAttributes, labelsOf } from './attributes.ts';
import type { RotationTimes } from './attributes.ts';

const ALIAS = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** Names of versions that this API can express. */
export function isAlias(text: string): boolean {
  return ALIAS.test(text) && text !== 'latest' && text !== 'NEW';
}

function etag(content: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return `"${hash.slice(0, 20)}"`;
}

export function secretEtag(secret: Secret): string {
  const { versions: _versions, ...rest } = secret;
  return etag(rest);
}

export function versionEtag(version: Version): string {
  return etag(version);
}

/** @throws {StatusError} the caller means another state than the one that is there */
export function assertEtag(sent: unknown, actual: string): void {
  if (sent === undefined || sent === '' || sent === actual) return;
  throw new StatusError(
    'FAILED_PRECONDITION',
    'The etag does not match the current one: the resource was changed meanwhile.',
  );
}

export type VersionState = 'ENABLED' | 'DISABLED' | 'DESTROYED';

export function stateOf(version: Version, nowMs: number): VersionState {
  if (version.destroyed === true || (version.destroyMs ?? Infinity) <= nowMs) return 'DESTROYED';
  return version.disabled === true || isDeleted(version, nowMs) ? 'DISABLED' : 'ENABLED';
}

function replicationOf(secret: Secret): Message {
  const { replicas } = googleAttributes(secret);
  return replicas === undefined
    ? { automatic: {} }
    : { userManaged: { replicas: replicas.map((location) => ({ location })) } };
}

/** When the next rotation is told; undefined when there is none, or it was the only one. */
export function nextRotationMs(
  rotation: RotationTimes | undefined,
  nowMs: number,
): number | undefined {
  if (rotation === undefined || rotation.firstMs > nowMs) return rotation?.firstMs;
  const { firstMs, periodSeconds } = rotation;
  if (periodSeconds === 0) return undefined;
  const periodMs = periodSeconds * 1000;
  return firstMs + (Math.floor((nowMs - firstMs) / periodMs) + 1) * periodMs;
}

function rotationOf(rotation: RotationTimes | undefined, nowMs: number): Message {
  const next = nextRotationMs(rotation, nowMs);
  if (rotation === undefined || next === undefined) return {};
  const { periodSeconds } = rotation;
  return {
    rotation: {
      nextRotationTime: next,
      ...(periodSeconds === 0 ? {} : { rotationPeriod: periodSeconds }),
    },
  };
}

export function secretMessage(name: SecretName, secret: Secret, nowMs: number): Message {
  const { versionDestroyTtlSeconds, secretType, topics, rotation } = googleAttributes(secret);
  const aliases = Object.entries(secret.labels ?? {}).filter(([label]) => isAlias(label));
  return {
    name: secretText(name),
    // A regional secret lies where its name says.
    ...(name.location === '' ? { replication: replicationOf(secret) } : {}),
    createTime: secret.createdMs,
    labels: labelsOf(secret),
    ...(secret.purgeMs === undefined || secret.deletedMs !== undefined
      ? {}
      : { expireTime: secret.purgeMs }),
    etag: secretEtag(secret),
    versionAliases: new Map(aliases.map(([label, number]) => [label, BigInt(number)])),
    annotations: annotationsOf(secret),
    ...(versionDestroyTtlSeconds === undefined
      ? {}
      : { versionDestroyTtl: versionDestroyTtlSeconds }),
    ...(secretType === undefined ? {} : { secretType }),
    ...(topics === undefined ? {} : { topics: topics.map((topic) => ({ name: topic })) }),
    ...rotationOf(rotation, nowMs),
  };
}

export function versionMessage(
  name: SecretName,
  secret: Secret,
  version: Version,
  nowMs: number,
): Message {
  const state = stateOf(version, nowMs);
  const destroyedMs =
    state === 'DESTROYED' ? (version.destroyedMs ?? version.destroyMs) : undefined;
  const { replicas } = googleAttributes(secret);
  return {
    name: versionText(name, version.number),
    createTime: version.createdMs,
    ...(destroyedMs === undefined ? {} : { destroyTime: destroyedMs }),
    state,
    ...(name.location === ''
      ? {
          replicationStatus:
            replicas === undefined
              ? { automatic: {} }
              : { userManaged: { replicas: replicas.map((location) => ({ location })) } },
        }
      : {}),
    etag: versionEtag(version),
    ...(version.checked === true ? { clientSpecifiedPayloadChecksum: true } : {}),
    ...(state === 'DISABLED' && version.destroyMs !== undefined
      ? { scheduledDestroyTime: version.destroyMs }
      : {}),
  };
}

export function secretNotFound(name: SecretName): StatusError {
  return new StatusError('NOT_FOUND', `Secret [${secretText(name)}] not found.`);
}

export function noVersions(name: SecretName): StatusError {
  return new StatusError('NOT_FOUND', `Secret [${secretText(name)}] not found or has no versions.`);
}

export function versionNotFound(name: SecretName): StatusError {
  return new StatusError(
    'NOT_FOUND',
    `Secret Version [${secretText(name)}/versions/${name.version}] not found.`,
  );
}

export function wrongState(name: SecretName, number: number, state: VersionState): StatusError {
  return new StatusError(
    'FAILED_PRECONDITION',
    `Secret Version [${versionText(name, number)}] is in ${state} state.`,
  );
}
