/** RotateSecret and CancelRotateSecret: sets up what the engine then does by itself (engines/kv/functions). */
import { RequestError } from '../../../model/errors.ts';
import type { Recurring, RotationPlan } from '../../../model/tasks/secret-task.ts';
import { operation } from '../asking.ts';
import type { Operation } from '../asking.ts';
import { AwsError, invalidParameter, invalidRequest } from '../errors.ts';
import { awsOf, withAws } from './aws-attributes.ts';
import type { Rotation, RotationRules } from './aws-attributes.ts';
import { SECRET_ID_MAX } from './names.ts';
import { onSecret } from './on-secret.ts';
import type { Opened } from './on-secret.ts';
import { PENDING, versionByStage, versionIdOf } from './stages.ts';
import { servedNumber } from '../../../model/secret.ts';

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3600;
const RATE_HOURS_MIN = 4;
const DAYS_MAX = 1000;
const RATE = /^rate\((\d{1,5}) (hours?|days?)\)$/;
const CRON = /^cron\(([^()]{1,200})\)$/;
const FUNCTION =
  /^arn:aws:lambda:([a-z0-9-]+):(\d{12}):function:([A-Za-z0-9_-]{1,64})(?::[A-Za-z0-9_$-]+)?$/;

const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;
const CHANGES = { operation: 'write', at: 'metadata' } as const;

/** The function that an ARN names. @throws {AwsError} */
function functionOf(arn: string, account: string, region: string): string {
  const match = FUNCTION.exec(arn);
  if (match === null) throw invalidParameter('RotationLambdaARN must be the ARN of a function.');
  if (match[1] !== region || match[2] !== account) throw cannotInvoke();
  return match[3] ?? '';
}

function cannotInvoke(): AwsError {
  return new AwsError(
    'AccessDeniedException',
    'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.',
  );
}

/** @throws {AwsError} rules that exclude each other, or that cannot be */
export function recurringOf(rules: RotationRules | undefined): Recurring | undefined {
  if (rules === undefined) return undefined;
  const {
    AutomaticallyAfterDays: days,
    ScheduleExpression: expression,
    Duration: duration,
  } = rules;
  if (days !== undefined && expression !== undefined) {
    throw invalidParameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression.");
  }
  const hours =
    duration === undefined ? 0 : Number(/^(\d{1,3})h$/.exec(duration)?.[1] ?? Number.NaN);
  if (!Number.isInteger(hours) || (duration !== undefined && hours < 1)) {
    throw invalidParameter('Duration must be a number of hours, such as 3h.');
  }
  if (days !== undefined)
    return { periodSeconds: days * DAY_SECONDS, schedule: '', windowSeconds: 0 };
  if (expression === undefined) return undefined;
  const rate = RATE.exec(expression);
  if (rate !== null) {
    const unit = (rate[2] ?? '').startsWith('h') ? HOUR_SECONDS : DAY_SECONDS;
    const periodSeconds = Number(rate[1]) * unit;
    if (periodSeconds < RATE_HOURS_MIN * HOUR_SECONDS || periodSeconds > DAYS_MAX * DAY_SECONDS) {
      throw invalidParameter('A rate must be between 4 hours and 1000 days.');
    }
    return { periodSeconds, schedule: '', windowSeconds: 0 };
  }
  const cron = CRON.exec(expression);
  if (cron === null) throw invalidParameter('ScheduleExpression must be rate(…) or cron(…).');
  return {
    periodSeconds: 0,
    schedule: plainCron(cron[1] ?? ''),
    windowSeconds: hours * HOUR_SECONDS,
  };
}

const LAST_OF_FIELD = ['59', '23', '31', '12', '6'] as const;

/** `8/4`, which is from 8 on every 4, and `/4` as others write them. */
function plainSteps(field: string, last: string): string {
  return field
    .split(',')
    .map((item) => item.replace(/^\//, '*/').replace(/^(\d+)\/(\d+)$/, `$1-${last}/$2`))
    .join(',');
}

/** Days from 0 = Sunday; what stands behind `#` or `/` is no day. */
function plainWeekdays(field: string): string {
  const before = (digits: string): string => String(Number(digits) - 1);
  return field
    .split(',')
    .map((item) => item.replace(/^[^#/]+/, (days) => days.replace(/\d+/g, before)))
    .join(',');
}

/** AWS's six fields as the five of cron: no year, `?` for any day, days of the week from 1 = Sunday. */
function plainCron(text: string): string {
  const fields = text.trim().split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = '', year = ''] = fields;
  if (fields.length !== 6 || year !== '*') {
    throw invalidParameter(
      'A cron expression has six fields, of which the last, the year, must be *.',
    );
  }
  const any = (field: string): string => (field === '?' ? '*' : field);
  return [minute, hour, any(day), month, any(plainWeekdays(weekday))]
    .map((field, index) => plainSteps(field, LAST_OF_FIELD[index] ?? ''))
    .join(' ');
}

export const rotateSecret: Operation = operation(
  {
    SecretId: SECRET_ID,
    ClientRequestToken: { kind: 'string', min: 32, max: 64 },
    RotationLambdaARN: { kind: 'string', max: 2048 },
    RotationRules: {
      kind: 'structure',
      members: {
        AutomaticallyAfterDays: { kind: 'integer', min: 1, max: DAYS_MAX },
        Duration: { kind: 'string', min: 2, max: 3 },
        ScheduleExpression: { kind: 'string', min: 1, max: 256 },
      },
    },
    ExternalSecretRotationRoleArn: { kind: 'string', max: 2048 },
    RotateImmediately: { kind: 'boolean' },
  },
  async (input, asking) => {
    if (input.ExternalSecretRotationRoleArn !== undefined) {
      throw invalidParameter('Managed external secrets are not supported.');
    }
    const token = input.ClientRequestToken;
    if (token === undefined) {
      throw invalidParameter(
        'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
      );
    }
    const recurrence = recurringOf(input.RotationRules);
    return await onSecret(asking, input.SecretId, CHANGES, async (opened) => {
      const { desk, arn, name, secret } = opened;
      const before = awsOf(secret).rotation;
      const arnOfFunction = input.RotationLambdaARN ?? before?.function;
      if (arnOfFunction === undefined) {
        throw invalidRequest('No Lambda rotation function ARN is associated with this secret.');
      }
      const immediately = input.RotateImmediately !== false;
      const state = await desk.rotation();
      if (immediately && state?.running !== undefined && state.running !== token) {
        throw invalidRequest(
          "A previous rotation isn't complete. That rotation will be reattempted.",
        );
      }
      const rules = input.RotationRules ?? before?.rules;
      const rotation: Rotation = {
        enabled: true,
        function: arnOfFunction,
        ...(rules === undefined ? {} : { rules }),
      };
      desk.change((each) => withAws(each, { rotation }));
      await plan(opened, {
        function: functionOf(arnOfFunction, asking.account, asking.region),
        secretId: arn,
        pendingLabel: PENDING,
        recurrence: recurrence ?? recurringOf(before?.rules),
        startNow: immediately ? token : undefined,
      });
      return { ARN: arn, Name: name, ...(immediately ? { VersionId: token } : {}) };
    });
  },
);

async function plan({ desk }: Opened, wanted: RotationPlan): Promise<void> {
  try {
    await desk.planRotation(wanted);
  } catch (error) {
    if (!(error instanceof RequestError) || error instanceof AwsError) throw error;
    throw error.reason === 'no_function' ? cannotInvoke() : invalidParameter(error.message);
  }
}

export const cancelRotateSecret: Operation = operation(
  { SecretId: SECRET_ID },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, CHANGES, async ({ desk, arn, name, secret }) => {
      const { rotation } = awsOf(secret);
      if (rotation === undefined) {
        throw invalidRequest(
          "You tried to cancel the rotation on a secret that doesn't have rotation enabled.",
        );
      }
      const state = await desk.rotation();
      await desk.planRotation(undefined);
      desk.change((each) => withAws(each, { rotation: { ...rotation, enabled: false } }));
      const pending = versionByStage(secret, PENDING);
      const left =
        pending === undefined || pending.number === servedNumber(secret)
          ? undefined
          : versionIdOf(pending);
      const versionId = left ?? state?.running;
      return { ARN: arn, Name: name, ...(versionId === undefined ? {} : { VersionId: versionId }) };
    }),
);
