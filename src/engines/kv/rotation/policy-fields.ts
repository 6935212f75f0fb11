/** The policy of a rotation as it is sent and shown. */
import { CalendarError, assertRecurrence } from '../../../calendar/calendar.ts';
import type { JsonObject } from '../../../base/json.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Rotator } from '../../../rotators/rotator.ts';
import { SettingsError } from '../../../targets/database.ts';
import { withoutPassword } from '../../../targets/settings.ts';
import type { RotationPorts } from './ports.ts';
import type { RotationPolicy } from './record.ts';

const SECONDS_MAX = 10 * 366 * 86_400;
const CONSUMERS_MAX = 256;
const SETTINGS_BYTES_MAX = 64 * 1024;

export const POLICY_FIELDS = {
  path: { kind: 'string', description: 'Where the secret lies.', default: '' },
  rotator: { kind: 'string', description: 'How it is renewed: "random", "postgresql", "http" …' },
  settings: {
    kind: 'map',
    description: 'What the rotator needs to know; `rotation/rotators` lists it.',
    sensitive: true,
  },
  period: { kind: 'duration_seconds', description: 'Time from one rotation to the next.' },
  schedule: { kind: 'string', description: 'Five fields of cron, instead of a period.' },
  time_zone: {
    kind: 'string',
    description: 'Of the schedule, such as "Europe/Zurich"; UTC by default.',
  },
  window: {
    kind: 'duration_seconds',
    description: 'How long after a time of the schedule a rotation may begin.',
  },
  grace: { kind: 'duration_seconds', description: 'How long the value before stays valid.' },
  max_age: {
    kind: 'duration_seconds',
    description: 'Age beyond which a value is overdue; 0 for none.',
  },
  stagger: {
    kind: 'duration_seconds',
    description: 'Time over which rotations due together are spread.',
  },
  password_policy: { kind: 'string', description: 'Policy by which new passwords are made.' },
  consumers: { kind: 'comma_string_list', description: 'Who uses the secret, as far as is known.' },
  paused: { kind: 'bool', description: 'Nothing is rotated by the calendar.' },
  force: {
    kind: 'bool',
    description: 'With a deletion: gives up what is under way at the target.',
    default: false,
    query: true,
  },
} as const;

export interface PolicyValues {
  readonly path: string;
  readonly rotator: string | undefined;
  readonly settings: JsonObject | undefined;
  readonly period: number | undefined;
  readonly schedule: string | undefined;
  readonly time_zone: string | undefined;
  readonly window: number | undefined;
  readonly grace: number | undefined;
  readonly max_age: number | undefined;
  readonly stagger: number | undefined;
  readonly password_policy: string | undefined;
  readonly consumers: readonly string[] | undefined;
  readonly paused: boolean | undefined;
}

/** What is sent, over what was there. @throws {RequestError} */
export async function policyOf(
  ports: RotationPorts,
  fields: PolicyValues,
  before: RotationPolicy | undefined,
): Promise<RotationPolicy> {
  const recurrence = {
    periodSeconds:
      fields.period ??
      (fields.schedule === undefined ? (before?.recurrence.periodSeconds ?? 0) : 0),
    schedule:
      fields.schedule ?? (fields.period === undefined ? (before?.recurrence.schedule ?? '') : ''),
    timeZone: fields.time_zone ?? before?.recurrence.timeZone ?? '',
    windowSeconds:
      fields.window ?? (fields.period === undefined ? (before?.recurrence.windowSeconds ?? 0) : 0),
  };
  const policy: RotationPolicy = {
    rotator: fields.rotator ?? before?.rotator ?? '',
    settings: settingsOf(fields, before),
    recurrence,
    graceSeconds: fields.grace ?? before?.graceSeconds ?? 0,
    maxAgeSeconds: fields.max_age ?? before?.maxAgeSeconds ?? 0,
    staggerSeconds: fields.stagger ?? before?.staggerSeconds ?? 0,
    passwordPolicy: fields.password_policy ?? before?.passwordPolicy ?? '',
    consumers: fields.consumers ?? before?.consumers ?? [],
    paused: fields.paused ?? before?.paused ?? false,
  };
  check(policy, (await ports.rotators()).get(policy.rotator));
  return policy;
}

/** Another rotator starts with settings of its own. */
function settingsOf(fields: PolicyValues, before: RotationPolicy | undefined): JsonObject {
  const kept =
    fields.rotator === undefined || fields.rotator === before?.rotator
      ? before?.settings
      : undefined;
  return Object.fromEntries(
    Object.entries({ ...kept, ...fields.settings }).filter(([, value]) => value !== null),
  );
}

function check(policy: RotationPolicy, rotator: Rotator | undefined): void {
  if (rotator === undefined) throw invalidRequest('rotator must be one of rotation/rotators');
  const known = new Set(rotator.settings.map(({ name }) => name));
  const unknown = Object.keys(policy.settings).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw invalidRequest(
      `settings: this rotator knows ${[...known].join(', ')}, and not all that were named`,
    );
  }
  if (Buffer.byteLength(JSON.stringify(policy.settings)) > SETTINGS_BYTES_MAX) {
    throw invalidRequest(`settings must not be larger than ${SETTINGS_BYTES_MAX} bytes`);
  }
  if (policy.consumers.length > CONSUMERS_MAX)
    throw invalidRequest(`at most ${CONSUMERS_MAX} consumers`);
  const times = [
    policy.graceSeconds,
    policy.maxAgeSeconds,
    policy.staggerSeconds,
    policy.recurrence.periodSeconds,
  ];
  if (times.some((seconds) => seconds > SECONDS_MAX))
    throw invalidRequest('a time is longer than ten years');
  const { windowSeconds } = policy.recurrence;
  if (windowSeconds > 0 && policy.staggerSeconds >= windowSeconds) {
    throw invalidRequest('stagger must be shorter than the window');
  }
  try {
    assertRecurrence(policy.recurrence);
    rotator.open(policy.settings);
    if (policy.graceSeconds > 0 && !rotator.keepsPrevious(policy.settings)) {
      throw invalidRequest(
        'grace: with one account the old password ends with the change; name two in settings.accounts',
      );
    }
  } catch (error) {
    if (error instanceof CalendarError) throw invalidRequest(error.message);
    if (error instanceof SettingsError) throw invalidRequest(`settings: ${error.message}`);
    throw error;
  }
}

export function shownPolicy(
  rotator: Rotator | undefined,
  policy: RotationPolicy,
): Record<string, unknown> {
  const { recurrence } = policy;
  const hidden = new Set(rotator?.settings.filter(({ secret }) => secret).map(({ name }) => name));
  // Of a rotator that is not there any more it is not known what is secret.
  const settings = Object.entries(rotator === undefined ? {} : policy.settings).filter(
    ([name]) => !hidden.has(name),
  );
  return {
    rotator: policy.rotator,
    settings: withoutPassword(Object.fromEntries(settings)),
    period: recurrence.periodSeconds,
    schedule: recurrence.schedule,
    time_zone: recurrence.timeZone,
    window: recurrence.windowSeconds,
    grace: policy.graceSeconds,
    max_age: policy.maxAgeSeconds,
    stagger: policy.staggerSeconds,
    password_policy: policy.passwordPolicy,
    consumers: policy.consumers,
    paused: policy.paused,
  };
}
