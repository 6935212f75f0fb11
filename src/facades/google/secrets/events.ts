/**
 * What the topics of a secret hear: each change that this API would show, whichever API made it. Events follow from what the secret was
 * and what it became, so a change that shows nothing is none.
 */
import type { JsonObject } from '../../../base/json.ts';
import { isGone } from '../../../model/secret.ts';
import type { Secret, Version } from '../../../model/secret.ts';
import type { Announcement, Notice, SecretChange } from '../../../model/tasks/secret-task.ts';
import { isSecretId, secretText, versionText } from '../names.ts';
import type { SecretName } from '../names.ts';
import { jsonOfMessage } from '../wire/json-form.ts';
import { SECRET, SECRET_VERSION } from '../wire/messages.ts';
import type { Message, MessageSpec } from '../wire/schema.ts';
import { googleAttributes } from './attributes.ts';
import { secretMessage, stateOf, versionMessage } from './shown.ts';

export type SecretEvent = 'SECRET_CREATE' | 'SECRET_UPDATE' | 'SECRET_DELETE' | 'SECRET_ROTATE';
type VersionEvent =
  | 'SECRET_VERSION_ADD'
  | 'SECRET_VERSION_ENABLE'
  | 'SECRET_VERSION_DISABLE'
  | 'SECRET_VERSION_DESTROY'
  | 'SECRET_VERSION_DESTROY_SCHEDULED';

function jsonOf(type: MessageSpec, message: Message): JsonObject {
  return jsonOfMessage(type, message, { enumsAsNumbers: false }) as JsonObject;
}

function noticeOf(
  type: SecretEvent | VersionEvent,
  name: SecretName,
  data: JsonObject,
  more: Readonly<Record<string, string>> = {},
): Notice {
  return {
    attributes: {
      eventType: type,
      dataFormat: 'JSON_API_V1',
      secretId: secretText(name),
      ...more,
    },
    data,
  };
}

export function secretNotice(
  type: SecretEvent,
  name: SecretName,
  secret: Secret,
  nowMs: number,
  more: Readonly<Record<string, string>> = {},
): Notice {
  return noticeOf(type, name, jsonOf(SECRET, secretMessage(name, secret, nowMs)), more);
}

/** Everything that is shown of a secret itself; an etag changes with what is not. */
function shownText(name: SecretName, secret: Secret, nowMs: number): string {
  const { etag: _etag, ...shown } = jsonOf(SECRET, secretMessage(name, secret, nowMs));
  return JSON.stringify(shown);
}

function versionEvent(
  before: Version | undefined,
  after: Version,
  nowMs: number,
): VersionEvent | undefined {
  if (before === undefined) return 'SECRET_VERSION_ADD';
  if (after.destroyed === true) {
    return before.destroyed === true ? undefined : 'SECRET_VERSION_DESTROY';
  }
  const state = stateOf(after, nowMs);
  if (state === 'DISABLED' && after.destroyMs !== undefined) {
    return before.destroyMs === undefined ? 'SECRET_VERSION_DESTROY_SCHEDULED' : undefined;
  }
  if (state === stateOf(before, nowMs)) return undefined;
  return state === 'ENABLED' ? 'SECRET_VERSION_ENABLE' : 'SECRET_VERSION_DISABLE';
}

/** A version that is in the table no more is gone for good. */
function versionNotices(
  name: SecretName,
  before: Secret | undefined,
  after: Secret,
  nowMs: number,
): Notice[] {
  const old = new Map(before?.versions.map((version) => [version.number, version]));
  const left = new Set(after.versions.map(({ number }) => number));
  const dropped = [...old.values()].filter(
    ({ number, destroyed }) => !left.has(number) && destroyed !== true,
  );
  const gone: readonly [VersionEvent | undefined, Version][] = dropped.map((version) => [
    'SECRET_VERSION_DESTROY',
    { ...version, destroyed: true, destroyedMs: nowMs },
  ]);
  const changed: readonly [VersionEvent | undefined, Version][] = after.versions.map((version) => [
    versionEvent(old.get(version.number), version, nowMs),
    version,
  ]);
  return [...gone, ...changed].flatMap(([type, version]) => {
    if (type === undefined) return [];
    const data = jsonOf(SECRET_VERSION, versionMessage(name, after, version, nowMs));
    return [noticeOf(type, name, data, { versionId: versionText(name, version.number) })];
  });
}

/** What the topics of a secret are told of a change. */
export function tellTopics({ path, before, after, nowMs }: SecretChange): readonly Announcement[] {
  const named = after ?? before;
  const functions = named?.listeners ?? [];
  const { toldAs } = named === undefined ? {} : googleAttributes(named);
  if (toldAs === undefined || functions.length === 0 || !isSecretId(path)) return [];
  const name: SecretName = { ...toldAs, secret: path, version: '' };
  // One that is deleted and can be recovered is not found by this API.
  const was = before === undefined || isEnded(before, nowMs) ? undefined : before;
  const is = after === undefined || isGone(after, nowMs) ? undefined : after;
  return noticesOf(name, was, is, nowMs).map((notice) => ({ functions, notice }));
}

/** Its end was told when it came about: a recovery window begins with it, and at the end of its life the record goes. */
function isEnded(secret: Secret, nowMs: number): boolean {
  return secret.deletedMs !== undefined && isGone(secret, nowMs);
}

function noticesOf(
  name: SecretName,
  was: Secret | undefined,
  is: Secret | undefined,
  nowMs: number,
): Notice[] {
  if (is === undefined) {
    if (was === undefined) return [];
    const deleteType = isGone(was, nowMs) ? 'EXPIRED' : 'REQUESTED';
    return [secretNotice('SECRET_DELETE', name, was, nowMs, { deleteType })];
  }
  if (was === undefined) {
    const made = secretNotice('SECRET_CREATE', name, is, nowMs);
    return [made, ...versionNotices(name, undefined, is, nowMs)];
  }
  if (isGone(was, nowMs)) {
    return [...noticesOf(name, was, undefined, nowMs), ...noticesOf(name, undefined, is, nowMs)];
  }
  const same = shownText(name, was, nowMs) === shownText(name, is, nowMs);
  const updated = same ? [] : [secretNotice('SECRET_UPDATE', name, is, nowMs)];
  return [...updated, ...versionNotices(name, was, is, nowMs)];
}
