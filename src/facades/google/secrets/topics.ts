/**
 * Topics and rotation: a topic is a webhook that an administrator has registered as a function of the KV mount, under the topic's id. It
 * listens to the secret (events.ts says what it hears); a rotation schedule tells when one is due.
 */
import type { Secret } from '../../../model/secret.ts';
import type { SecretDesk } from '../../../model/tasks/secret-task.ts';
import type { SecretName } from '../names.ts';
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import { googleAttributes, withGoogleAttributes } from './attributes.ts';
import type { RotationTimes } from './attributes.ts';
import { secretNotice } from './events.ts';
import { nextRotationMs } from './shown.ts';

const TOPICS_MAX = 10;
const TOPIC = /^projects\/([^/]{1,63})\/topics\/([A-Za-z][A-Za-z0-9._-]{0,200})$/;
const AHEAD_SECONDS_MIN = 300;
const PERIOD_SECONDS_MIN = 3600;
const SECONDS_MAX = 100 * 366 * 86_400;

function wrong(text: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', text);
}

/** @throws {StatusError} */
export function withTopics(secret: Secret, sent: Message, name: SecretName): Secret {
  const { project, location } = name;
  const names = ((sent['topics'] ?? []) as readonly Message[]).map(
    ({ name: topic }) => (topic as string | undefined) ?? '',
  );
  if (names.length > TOPICS_MAX) throw wrong(`At most ${TOPICS_MAX} topics are allowed.`);
  const functions = new Set<string>();
  for (const topic of names) {
    const [, owner, id] = TOPIC.exec(topic) ?? [];
    if (owner === undefined || id === undefined) {
      throw wrong('The resource name of a topic is not valid.');
    }
    if (owner !== project) throw wrong('Topics of other projects are not supported.');
    functions.add(id);
  }
  const { topics: _topics, toldAs: _toldAs, ...rest } = googleAttributes(secret);
  const { listeners: _listeners, ...unheard } = secret;
  if (functions.size === 0) return withGoogleAttributes(unheard, rest);
  const toldAs = { project, location };
  return withGoogleAttributes(
    { ...unheard, listeners: [...functions] },
    { ...rest, topics: [...new Set(names)], toldAs },
  );
}

/** The fields of a rotation that a masked update may name one by one. */
export const ROTATION_FIELDS: readonly string[] = [
  'rotation.next_rotation_time',
  'rotation.rotation_period',
];

/** @param fields which of {@link ROTATION_FIELDS} are meant: the others stay as they are. @throws {StatusError} */
export function withRotation(
  secret: Secret,
  sent: Message,
  nowMs: number,
  fields: ReadonlySet<string> = new Set(ROTATION_FIELDS),
): Secret {
  const { rotation: before, ...rest } = googleAttributes(secret);
  const [setsNext, setsPeriod] = ROTATION_FIELDS.map((field) => fields.has(field));
  const wanted = sent['rotation'] as Message | undefined;
  const sentNext = wanted?.['nextRotationTime'] as number | undefined;
  const sentPeriod = (wanted?.['rotationPeriod'] as number | undefined) ?? 0;
  const nextMs = setsNext === true ? sentNext : nextRotationMs(before, nowMs);
  const periodSeconds = setsPeriod === true ? sentPeriod : (before?.periodSeconds ?? 0);
  if (periodSeconds !== 0 && (periodSeconds < PERIOD_SECONDS_MIN || periodSeconds > SECONDS_MAX)) {
    throw wrong('The rotation_period must be between 1 hour and 100 years.');
  }
  if (nextMs === undefined) {
    if (periodSeconds === 0) return withGoogleAttributes(secret, rest);
    throw wrong('A rotation_period needs a next_rotation_time.');
  }
  const ahead = (nextMs - nowMs) / 1000;
  if (setsNext === true && (ahead < AHEAD_SECONDS_MIN || ahead > SECONDS_MAX)) {
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

/** Nobody can be told through a topic that is not registered. @throws {StatusError} */
export async function assertTopics(desk: SecretDesk, secret: Secret): Promise<void> {
  const [unknown] = await desk.unknownFunctions(secret.listeners ?? []);
  if (unknown === undefined) return;
  throw wrong(
    'A topic is not known: it must be registered as a function of the KV mount, under its id.',
  );
}

/** Plans what tells that a rotation is due, as the secret now says. @param before whether one was planned. */
export function planRotation(
  desk: SecretDesk,
  name: SecretName,
  secret: Secret,
  before: Secret | undefined,
): void {
  const { rotation } = googleAttributes(secret);
  const firstMs = nextRotationMs(rotation, desk.nowMs);
  if (rotation === undefined || firstMs === undefined) {
    const planned = before !== undefined && googleAttributes(before).rotation !== undefined;
    if (planned) desk.planReminder(undefined);
    return;
  }
  const told = secretNotice('SECRET_ROTATE', name, secret, desk.nowMs);
  const { periodSeconds } = rotation;
  desk.planReminder({ functions: secret.listeners ?? [], notice: told, firstMs, periodSeconds });
}
