/**
 * Topics and rotation: a topic is a webhook that an administrator has registered as a function of the KV mount, under the topic's id. What
 * this API does to a secret is told to its topics in the form of a push subscription; a rotation schedule tells when one is due.
 */
import type { JsonObject } from '../../../base/json.ts';
import type { Secret, Version } from '../../../model/secret.ts';
import type { Notice, SecretDesk } from '../../../model/secret-task.ts';
import { secretText, versionText } from '../names.ts';
import type { SecretName } from '../names.ts';
import { jsonOfMessage } from '../wire/json-form.ts';
import { SECRET, SECRET_VERSION } from '../wire/messages.ts';
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import { googleAttributes, withGoogleAttributes } from './attributes.ts';
import type { RotationTimes } from './attributes.ts';
import { nextRotationMs, secretMessage, versionMessage } from './shown.ts';

const TOPICS_MAX = 10;
const TOPIC = /^projects\/([^/]{1,63})\/topics\/([A-Za-z][A-Za-z0-9._-]{0,200})$/;
const AHEAD_SECONDS_MIN = 300;
const PERIOD_SECONDS_MIN = 3600;
const SECONDS_MAX = 100 * 366 * 86_400;

export type EventType =
  | 'SECRET_CREATE'
  | 'SECRET_UPDATE'
  | 'SECRET_DELETE'
  | 'SECRET_ROTATE'
  | 'SECRET_VERSION_ADD'
  | 'SECRET_VERSION_ENABLE'
  | 'SECRET_VERSION_DISABLE'
  | 'SECRET_VERSION_DESTROY'
  | 'SECRET_VERSION_DESTROY_SCHEDULED';

function wrong(text: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', text);
}

/** Names of the functions that stand for topics. */
function functionsOf(topics: readonly string[]): string[] {
  return topics.map((topic) => TOPIC.exec(topic)?.[2] ?? '');
}

/** @throws {StatusError} */
export function withTopics(secret: Secret, sent: Message, { project }: SecretName): Secret {
  const names = ((sent['topics'] ?? []) as readonly Message[]).map(
    ({ name }) => (name as string | undefined) ?? '',
  );
  if (names.length > TOPICS_MAX) throw wrong(`At most ${TOPICS_MAX} topics are allowed.`);
  for (const name of names) {
    const [, owner] = TOPIC.exec(name) ?? [];
    if (owner === undefined) throw wrong('The resource name of a topic is not valid.');
    if (owner !== project) throw wrong('Topics of other projects are not supported.');
  }
  const { topics: _before, ...rest } = googleAttributes(secret);
  return withGoogleAttributes(secret, {
    ...rest,
    ...(names.length === 0 ? {} : { topics: [...new Set(names)] }),
  });
}

/** @param part which of its fields is meant; '' for all of it. @throws {StatusError} */
export function withRotation(
  secret: Secret,
  sent: Message,
  nowMs: number,
  part: '' | 'next_rotation_time' | 'rotation_period' = '',
): Secret {
  const { rotation: before, ...rest } = googleAttributes(secret);
  const wanted = sent['rotation'] as Message | undefined;
  const sentNext = wanted?.['nextRotationTime'] as number | undefined;
  const sentPeriod = (wanted?.['rotationPeriod'] as number | undefined) ?? 0;
  const nextMs = part === 'rotation_period' ? nextRotationMs(before, nowMs) : sentNext;
  const periodSeconds = part === 'next_rotation_time' ? (before?.periodSeconds ?? 0) : sentPeriod;
  if (periodSeconds !== 0 && (periodSeconds < PERIOD_SECONDS_MIN || periodSeconds > SECONDS_MAX)) {
    throw wrong('The rotation_period must be between 1 hour and 100 years.');
  }
  if (nextMs === undefined) {
    if (periodSeconds === 0) return withGoogleAttributes(secret, rest);
    throw wrong('A rotation_period needs a next_rotation_time.');
  }
  const ahead = (nextMs - nowMs) / 1000;
  if (part !== 'rotation_period' && (ahead < AHEAD_SECONDS_MIN || ahead > SECONDS_MAX)) {
    throw wrong('The next_rotation_time must be between 5 minutes and 100 years ahead.');
  }
  const rotation: RotationTimes = { firstMs: nextMs, periodSeconds };
  return withGoogleAttributes(secret, { ...rest, rotation });
}

/** A schedule that nobody hears of is none. @throws {StatusError} */
export function assertHeard(secret: Secret): void {
  const { topics = [], rotation } = googleAttributes(secret);
  if (rotation !== undefined && topics.length === 0) {
    throw wrong('A rotation needs a topic that is told of it.');
  }
}

function notice(
  type: EventType,
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

function secretJson(name: SecretName, secret: Secret, nowMs: number): JsonObject {
  const message = secretMessage(name, secret, nowMs);
  return jsonOfMessage(SECRET, message, { enumsAsNumbers: false }) as JsonObject;
}

/** What sets topics must name those that there are; later one may go, and nobody else is in trouble for it. */
const SETTING: ReadonlySet<EventType> = new Set(['SECRET_CREATE', 'SECRET_UPDATE']);

/** Tells the topics of a secret what became of it. @throws {StatusError} one that is set now is not registered */
export async function tellSecret(
  desk: SecretDesk,
  name: SecretName,
  secret: Secret,
  type: EventType,
): Promise<void> {
  const { topics = [] } = googleAttributes(secret);
  if (topics.length === 0) return;
  const more = type === 'SECRET_DELETE' ? { deleteType: 'REQUESTED' } : {};
  const told = notice(type, name, secretJson(name, secret, desk.nowMs), more);
  const [unknown] = await desk.announce(functionsOf(topics), told);
  if (unknown !== undefined && SETTING.has(type)) {
    throw wrong(
      'A topic is not known: it must be registered as a function of the KV mount, under its id.',
    );
  }
}

export async function tellVersion(
  desk: SecretDesk,
  name: SecretName,
  secret: Secret,
  version: Version,
  type: EventType,
): Promise<void> {
  const { topics = [] } = googleAttributes(secret);
  if (topics.length === 0) return;
  const message = versionMessage(name, secret, version, desk.nowMs);
  const data = jsonOfMessage(SECRET_VERSION, message, { enumsAsNumbers: false }) as JsonObject;
  const told = notice(type, name, data, { versionId: versionText(name, version.number) });
  await desk.announce(functionsOf(topics), told);
}

/** Plans what tells that a rotation is due, as the secret now says. @param before whether one was planned. */
export function planRotation(
  desk: SecretDesk,
  name: SecretName,
  secret: Secret,
  before: Secret | undefined,
): void {
  const { topics = [], rotation } = googleAttributes(secret);
  const firstMs = nextRotationMs(rotation, desk.nowMs);
  if (rotation === undefined || firstMs === undefined) {
    const planned = before !== undefined && googleAttributes(before).rotation !== undefined;
    if (planned) desk.planReminder(undefined);
    return;
  }
  const told = notice('SECRET_ROTATE', name, secretJson(name, secret, desk.nowMs));
  const { periodSeconds } = rotation;
  const functions = functionsOf(topics);
  desk.planReminder({ functions, notice: told, firstMs, periodSeconds });
}
