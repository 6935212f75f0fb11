/** The parameters of a schedule of snapshots: Vault's where it has them, checked as a whole. */
import { CalendarError, assertRecurrence } from '../../calendar/calendar.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Values } from '../../model/field.ts';
import { PREFIX_FORM } from '../../snapshots/names.ts';
import type { Place, Schedule } from '../../snapshots/records.ts';

/** Smallest number of seconds between two snapshots: each copies the whole store. */
const INTERVAL_SECONDS_MIN = 60;
const KEPT_MAX = 10_000;
/** Relative, no segment `.` or `..`, and safe in a URL. */
const PATH_FORM = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const PATH_LENGTH_MAX = 256;
const BUCKET_FORM = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const REGION_FORM = /^[a-z0-9-]{1,64}$/;
const HOST_FORM = /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/;

export const SCHEDULE_FIELDS = {
  name: { kind: 'string', description: 'Name of the schedule.' },
  interval: {
    kind: 'duration_seconds',
    description: 'Time from one snapshot to the next. Either this or `schedule`.',
  },
  schedule: {
    kind: 'string',
    description:
      'Cron schedule: minute, hour, day, month, day of the week. Either this or `interval`.',
  },
  time_zone: { kind: 'string', description: 'Time zone of the schedule; UTC without it.' },
  window: {
    kind: 'duration_seconds',
    description: 'How long after each time of the schedule a snapshot may still begin.',
  },
  retain: { kind: 'int', default: 7, description: 'How many of the newest snapshots are kept.' },
  retain_hourly: {
    kind: 'int',
    default: 0,
    description: 'And the newest of each of so many hours.',
  },
  retain_daily: { kind: 'int', default: 0, description: 'And the newest of each of so many days.' },
  retain_weekly: {
    kind: 'int',
    default: 0,
    description: 'And the newest of each of so many weeks.',
  },
  retain_monthly: {
    kind: 'int',
    default: 0,
    description: 'And the newest of each of so many months.',
  },
  max_age: {
    kind: 'duration_seconds',
    default: 0,
    description: 'None is kept beyond this age, but for the newest; 0 = any age.',
  },
  verify: {
    kind: 'bool',
    default: true,
    description: 'Fetch each snapshot back and restore it for a test.',
  },
  file_prefix: {
    kind: 'string',
    default: 'strongroom',
    description: 'What the names of the snapshots begin with.',
  },
  storage_type: {
    kind: 'string',
    required: true,
    allowedValues: ['local', 'aws-s3'],
    description: '`local` (a folder) or `aws-s3` (object storage with that API).',
  },
  path_prefix: {
    kind: 'string',
    default: '',
    description: 'Folder below `snapshot_directory` of the configuration, or below the bucket.',
  },
  local_max_space: {
    kind: 'int',
    default: 0,
    description: 'Most bytes that the snapshots may take together; 0 = all there are.',
  },
  aws_s3_bucket: { kind: 'string', description: 'Name of the bucket.' },
  aws_s3_region: { kind: 'string', default: 'us-east-1', description: 'Region of the bucket.' },
  aws_s3_endpoint: {
    kind: 'string',
    default: '',
    description: 'Host, and port if need be, of an S3 service that is not AWS’s own.',
  },
  aws_s3_disable_tls: { kind: 'bool', default: false, description: 'Speak HTTP without TLS.' },
  aws_s3_force_path_style: {
    kind: 'bool',
    description: 'Name the bucket in the path, not in the host. On by default with an endpoint.',
  },
  aws_s3_ca_pem: {
    kind: 'string',
    default: '',
    description: 'Certificates (PEM) that alone are trusted at the endpoint.',
  },
  aws_s3_server_side_encryption: {
    kind: 'bool',
    default: false,
    description: 'Ask for encryption at rest with the service’s keys (AES256).',
  },
  aws_s3_enable_kms: { kind: 'bool', default: false, description: 'Ask for encryption with KMS.' },
  aws_s3_kms_key: { kind: 'string', default: '', description: 'Id of the KMS key.' },
  aws_access_key_id: {
    kind: 'string',
    description: 'Access key; without it those of the server’s environment are used.',
  },
  aws_secret_access_key: { kind: 'string', description: 'Its secret.', sensitive: true },
  aws_session_token: { kind: 'string', description: 'Its session token.', sensitive: true },
} as const;

export type ScheduleValues = Values<typeof SCHEDULE_FIELDS>;

/** @param before the schedule as it is, whose credential stays if none is sent. @throws {RequestError} */
export function scheduleOf(values: ScheduleValues, before: Schedule | undefined): Schedule {
  const recurrence = {
    periodSeconds: values.interval ?? 0,
    schedule: values.schedule ?? '',
    timeZone: values.time_zone ?? '',
    windowSeconds: values.window ?? 0,
  };
  if (recurrence.periodSeconds === 0 && recurrence.schedule === '') {
    throw invalidRequest('interval or schedule is needed');
  }
  try {
    assertRecurrence(recurrence);
  } catch (error) {
    if (error instanceof CalendarError) throw invalidRequest(error.message);
    throw error;
  }
  if (recurrence.schedule === '' && recurrence.periodSeconds < INTERVAL_SECONDS_MIN) {
    throw invalidRequest(`interval must be ${INTERVAL_SECONDS_MIN} seconds or more`);
  }
  if (!PREFIX_FORM.test(values.file_prefix)) {
    throw invalidRequest('file_prefix must be letters, digits, hyphens and underscores');
  }
  return {
    name: values.name ?? '',
    recurrence,
    retention: {
      last: kept('retain', values.retain, 1),
      hourly: kept('retain_hourly', values.retain_hourly),
      daily: kept('retain_daily', values.retain_daily),
      weekly: kept('retain_weekly', values.retain_weekly),
      monthly: kept('retain_monthly', values.retain_monthly),
      maxAgeSeconds: values.max_age,
    },
    filePrefix: values.file_prefix,
    verify: values.verify,
    place: placeOf(values, before?.place),
  };
}

function kept(name: string, count: number, least = 0): number {
  if (count < least || count > KEPT_MAX) {
    throw invalidRequest(`${name} must be from ${least} to ${KEPT_MAX}`);
  }
  return count;
}

function placeOf(values: ScheduleValues, before: Place | undefined): Place {
  const path = values.path_prefix.replace(/\/$/, '');
  if (path !== '' && (path.length > PATH_LENGTH_MAX || !PATH_FORM.test(path))) {
    throw invalidRequest(
      'path_prefix must be a relative path of letters, digits, hyphens, underscores and dots',
    );
  }
  if (values.storage_type === 'local') {
    if (values.local_max_space < 0) throw invalidRequest('local_max_space must not be negative');
    return { type: 'local', path, spaceBytesMax: values.local_max_space };
  }
  const bucket = values.aws_s3_bucket ?? '';
  if (!BUCKET_FORM.test(bucket)) throw invalidRequest('aws_s3_bucket must be the name of a bucket');
  const region = values.aws_s3_region;
  if (!REGION_FORM.test(region)) throw invalidRequest('aws_s3_region must be the name of a region');
  const { tls, endpoint } = endpointOf(values);
  return {
    type: 'aws-s3',
    prefix: path === '' ? '' : `${path}/`,
    bucket,
    region,
    endpoint,
    tls,
    pathStyle: values.aws_s3_force_path_style ?? endpoint !== '',
    caPem: values.aws_s3_ca_pem,
    encryption: values.aws_s3_enable_kms
      ? 'aws:kms'
      : values.aws_s3_server_side_encryption
        ? 'AES256'
        : '',
    kmsKey: values.aws_s3_enable_kms ? headerSafe('aws_s3_kms_key', values.aws_s3_kms_key) : '',
    ...credentialOf(values, { endpoint, tls }, before),
  };
}

function endpointOf(values: ScheduleValues): { readonly endpoint: string; readonly tls: boolean } {
  const match = /^(?:(https?):\/\/)?([^/]*)\/?$/.exec(values.aws_s3_endpoint);
  const [, scheme, host = ''] = match ?? [];
  if (match === null || (host !== '' && !HOST_FORM.test(host))) {
    throw invalidRequest('aws_s3_endpoint must be a host, with a port if need be');
  }
  return {
    endpoint: host,
    tls: scheme === undefined ? !values.aws_s3_disable_tls : scheme === 'https',
  };
}

/** What goes into a header must not begin another. */
function headerSafe(name: string, text: string): string {
  if (!/^[\x21-\x7e]{0,2048}$/.test(text)) throw invalidRequest(`${name} holds what it must not`);
  return text;
}

type Credential = Pick<
  Extract<Place, { type: 'aws-s3' }>,
  'accessKey' | 'secretKey' | 'sessionToken'
>;

/** A credential that was given for one service must never be sent to another. */
function credentialOf(
  values: ScheduleValues,
  at: { readonly endpoint: string; readonly tls: boolean },
  before: Place | undefined,
): Credential {
  const { aws_access_key_id: id, aws_secret_access_key: secret } = values;
  if ((id === undefined) !== (secret === undefined)) {
    throw invalidRequest('aws_access_key_id and aws_secret_access_key belong together');
  }
  if (id !== undefined && secret !== undefined) {
    const token = values.aws_session_token ?? '';
    return {
      accessKey: headerSafe('aws_access_key_id', id),
      secretKey: secret,
      sessionToken: headerSafe('aws_session_token', token),
    };
  }
  const same =
    before?.type === 'aws-s3' && before.endpoint === at.endpoint && before.tls === at.tls;
  if (!same) return { accessKey: '', secretKey: '', sessionToken: '' };
  const { accessKey, secretKey, sessionToken } = before;
  return { accessKey, secretKey, sessionToken };
}

/** A schedule as callers see it: without the credential. */
export function shownSchedule({ name, recurrence, retention, place, ...rest }: Schedule): object {
  return {
    name,
    interval: recurrence.periodSeconds,
    schedule: recurrence.schedule,
    time_zone: recurrence.timeZone,
    window: recurrence.windowSeconds,
    retain: retention.last,
    retain_hourly: retention.hourly,
    retain_daily: retention.daily,
    retain_weekly: retention.weekly,
    retain_monthly: retention.monthly,
    max_age: retention.maxAgeSeconds,
    verify: rest.verify,
    file_prefix: rest.filePrefix,
    storage_type: place.type,
    ...(place.type === 'local'
      ? { path_prefix: place.path, local_max_space: place.spaceBytesMax }
      : {
          path_prefix: place.prefix,
          aws_s3_bucket: place.bucket,
          aws_s3_region: place.region,
          aws_s3_endpoint: place.endpoint,
          aws_s3_disable_tls: !place.tls,
          aws_s3_force_path_style: place.pathStyle,
          aws_s3_server_side_encryption: place.encryption === 'AES256',
          aws_s3_enable_kms: place.encryption === 'aws:kms',
          aws_s3_kms_key: place.kmsKey,
          aws_credential: place.accessKey === '' ? 'environment' : 'stored',
        }),
  };
}
