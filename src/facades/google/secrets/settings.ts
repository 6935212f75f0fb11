/** Settings of a secret as callers send them: expiry, aliases, destruction delay, type; and what is refused. */
import { setLabels } from '../../../model/secret.ts';
import type { Secret } from '../../../model/secret.ts';
import type { SecretName } from '../names.ts';
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import {
  googleAttributes,
  withAnnotations,
  withGoogleAttributes,
  withLabels,
} from './attributes.ts';
import { isAlias } from './shown.ts';
import { assertHeard, ROTATION_FIELDS, withRotation, withTopics } from './topics.ts';

const ALIASES_MAX = 50;
const DESTROY_TTL_SECONDS_MIN = 86_400;
const DESTROY_TTL_SECONDS_MAX = 1_000 * 86_400;
const TTL_SECONDS_MAX = 100 * 366 * 86_400;
const REPLICAS_MAX = 50;

function wrong(text: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', text);
}

function isSet(value: unknown): boolean {
  if (value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !(value instanceof Map) || value.size > 0;
}

/** What would be a promise that is not kept is not taken. @throws {StatusError} */
function refuseUnsupported(sent: Message): void {
  if (isSet(sent['customerManagedEncryption'])) {
    throw wrong('Customer-managed encryption keys are not supported.');
  }
  if (isSet(sent['tags'])) throw wrong('Resource manager tags are not supported.');
}

/** Milliseconds, or undefined for a secret that does not expire. @throws {StatusError} */
function expiryOf(sent: Message, nowMs: number): number | undefined {
  const expireTime = sent['expireTime'] as number | undefined;
  const ttl = sent['ttl'] as number | undefined;
  if (expireTime !== undefined && ttl !== undefined) {
    throw wrong('Either expire_time or ttl can be set, not both.');
  }
  if (ttl !== undefined) {
    if (!(ttl > 0) || ttl > TTL_SECONDS_MAX) throw wrong('The ttl is out of range.');
    return nowMs + Math.round(ttl * 1000);
  }
  if (expireTime !== undefined && expireTime <= nowMs) {
    throw wrong('The expire_time must be in the future.');
  }
  return expireTime;
}

export function withExpiry(secret: Secret, sent: Message, nowMs: number): Secret {
  const { purgeMs: _before, ...rest } = secret;
  const purgeMs = expiryOf(sent, nowMs);
  return purgeMs === undefined ? rest : { ...rest, purgeMs };
}

/** @throws {StatusError} */
export function withAliases(secret: Secret, sent: Message): Secret {
  const aliases = (sent['versionAliases'] ?? new Map()) as ReadonlyMap<string, bigint>;
  if (aliases.size > ALIASES_MAX) throw wrong(`At most ${ALIASES_MAX} aliases are allowed.`);
  const gone = Object.keys(secret.labels ?? {})
    .filter((label) => isAlias(label) && !aliases.has(label))
    .map((label): [string, number] => [label, 0]);
  const set = [...aliases].map(([alias, number]): [string, number] => {
    if (!isAlias(alias)) throw wrong('An alias is not valid.');
    if (!secret.versions.some((version) => BigInt(version.number) === number)) {
      throw wrong('An alias names a version that does not exist.');
    }
    return [alias, Number(number)];
  });
  return setLabels(secret, Object.fromEntries([...gone, ...set]));
}

/** @throws {StatusError} */
export function withDestroyTtl(secret: Secret, sent: Message): Secret {
  const { versionDestroyTtlSeconds: _before, ...rest } = googleAttributes(secret);
  const seconds = (sent['versionDestroyTtl'] as number | undefined) ?? 0;
  if (seconds === 0) return withGoogleAttributes(secret, rest);
  if (seconds < DESTROY_TTL_SECONDS_MIN || seconds > DESTROY_TTL_SECONDS_MAX) {
    throw wrong('The version_destroy_ttl must be between 24 hours and 1000 days.');
  }
  return withGoogleAttributes(secret, { ...rest, versionDestroyTtlSeconds: seconds });
}

/** @throws {StatusError} */
function withReplication(secret: Secret, sent: Message, regional: boolean): Secret {
  const replication = sent['replication'] as Message | undefined;
  if (regional) {
    if (replication === undefined) return secret;
    throw wrong('A regional secret has no replication policy.');
  }
  const automatic = replication?.['automatic'] as Message | undefined;
  const managed = replication?.['userManaged'] as Message | undefined;
  if ((automatic === undefined) === (managed === undefined)) {
    throw wrong('The replication policy must be either automatic or user_managed.');
  }
  if (isSet(automatic?.['customerManagedEncryption'])) {
    throw wrong('Customer-managed encryption keys are not supported.');
  }
  if (managed === undefined) return secret;
  const replicas = (managed['replicas'] ?? []) as readonly Message[];
  if (replicas.length === 0 || replicas.length > REPLICAS_MAX) {
    throw wrong('The replicas of a user_managed replication policy are missing.');
  }
  if (replicas.some((replica) => isSet(replica['customerManagedEncryption']))) {
    throw wrong('Customer-managed encryption keys are not supported.');
  }
  const places = replicas.map((replica) => (replica['location'] as string | undefined) ?? '');
  return withGoogleAttributes(secret, { ...googleAttributes(secret), replicas: places });
}

function textsOf(sent: Message, name: string): ReadonlyMap<string, string> {
  return (sent[name] ?? new Map()) as ReadonlyMap<string, string>;
}

/** A secret that is about to be made. @throws {StatusError} */
export function newSecret(fresh: Secret, sent: Message, name: SecretName, nowMs: number): Secret {
  refuseUnsupported(sent);
  let secret = withReplication(fresh, sent, name.location !== '');
  secret = withLabels(secret, textsOf(sent, 'labels'));
  secret = withAnnotations(secret, textsOf(sent, 'annotations'));
  secret = withAliases(secret, sent);
  secret = withDestroyTtl(secret, sent);
  secret = withRotation(withTopics(secret, sent, name), sent, nowMs);
  assertHeard(secret);
  const { secretType } = sent as { secretType?: string };
  if (secretType !== undefined) {
    secret = withGoogleAttributes(secret, { ...googleAttributes(secret), secretType });
  }
  return withExpiry(secret, sent, nowMs);
}

type Change = (
  secret: Secret,
  sent: Message,
  nowMs: number,
  name: SecretName,
  mask: ReadonlySet<string>,
) => Secret;

/** Fields of one thing that are named together are changed together: half of the change might be invalid. */
const withMaskedRotation: Change = (secret, sent, nowMs, _name, mask) =>
  withRotation(secret, sent, nowMs, mask);

/** Where a secret is kept cannot be changed; saying so again is no change. @throws {StatusError} */
const withSameReplication: Change = (secret, sent, _nowMs, { location }) => {
  const { replicas = [] } = googleAttributes(secret);
  const { replicas: wanted = [] } = googleAttributes(
    withReplication(withGoogleAttributes(secret, {}), sent, location !== ''),
  );
  if (JSON.stringify(wanted) !== JSON.stringify(replicas)) {
    throw wrong('The locations of a replication policy cannot be changed.');
  }
  return secret;
};

/** What a masked update may change; nothing but what its mask names is looked at. */
const CHANGES: ReadonlyMap<string, Change> = new Map<string, Change>([
  ['labels', (secret, sent) => withLabels(secret, textsOf(sent, 'labels'))],
  ['annotations', (secret, sent) => withAnnotations(secret, textsOf(sent, 'annotations'))],
  ['version_aliases', withAliases],
  ['version_destroy_ttl', withDestroyTtl],
  ['expire_time', withExpiry],
  ['ttl', withExpiry],
  ['topics', (secret, sent, _nowMs, name) => withTopics(secret, sent, name)],
  ['replication', withSameReplication],
  ['rotation', (secret, sent, nowMs) => withRotation(secret, sent, nowMs)],
  ...ROTATION_FIELDS.map((field): [string, Change] => [field, withMaskedRotation]),
]);

/** @throws {StatusError} */
export function updatedSecret(
  before: Secret,
  sent: Message,
  mask: readonly string[],
  name: SecretName,
  nowMs: number,
): Secret {
  let secret = before;
  const paths = new Set(mask);
  for (const path of paths) {
    const change = CHANGES.get(path);
    if (change === undefined) throw wrong('The update_mask names a field that cannot be changed.');
    secret = change(secret, sent, nowMs, name, paths);
  }
  assertHeard(secret);
  return secret;
}
