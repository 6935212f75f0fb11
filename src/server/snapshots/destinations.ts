/** Where the snapshots of a schedule go. */
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { AwsCredentials } from '../../crypto/sigv4.ts';
import { fetchBytes } from '../../auth/fetch-json.ts';
import type { Destination } from '../../snapshots/destination.ts';
import { DestinationError } from '../../snapshots/destination.ts';
import type { Place, Schedule } from '../../snapshots/records.ts';
import type { SnapshotOptions } from './options.ts';

type S3Place = Extract<Place, { type: 'aws-s3' }>;
type Options = Pick<SnapshotOptions, 'directory' | 'environment'>;

/** Members are loaded when a schedule names one: most servers have none. */
export function destinations(
  options: Options,
  clock: Clock,
): (schedule: Schedule) => Promise<Destination> {
  return async ({ place }) => {
    const refusal = refusePlace(options, place);
    if (refusal !== undefined) throw new DestinationError(refusal);
    if (place.type === 'local') {
      const { directoryDestination } = await import('../../snapshots/directory/directory.ts');
      const directory = join(options.directory ?? '', place.path);
      return directoryDestination({ directory, spaceBytesMax: place.spaceBytesMax });
    }
    const { s3Destination } = await import('../../snapshots/s3/s3.ts');
    const { prefix, encryption, kmsKey, ...bucket } = place;
    return s3Destination({
      clock,
      send: fetchBytes,
      prefix,
      encryption,
      kmsKey,
      bucket,
      credentials: () => credentialsOf(options, place) ?? NOBODY,
    });
  };
}

const NOBODY: AwsCredentials = { accessKey: '', secretKey: '', sessionToken: '' };

/** Why snapshots cannot go there; undefined = they can. */
export function refusePlace(options: Options, place: Place): string | undefined {
  if (place.type === 'local') {
    return options.directory === undefined
      ? 'the configuration of the server names no snapshot_directory'
      : undefined;
  }
  return credentialsOf(options, place) === undefined
    ? 'no credential: send aws_access_key_id and aws_secret_access_key'
    : undefined;
}

/**
 * Those of the environment go to AWS, or to the endpoint that the environment names, and nowhere else: who may write a schedule must
 * not be able to send them where he likes.
 */
function credentialsOf({ environment }: Options, place: S3Place): AwsCredentials | undefined {
  if (place.accessKey !== '') {
    const { accessKey, secretKey, sessionToken } = place;
    return { accessKey, secretKey, sessionToken };
  }
  const named = environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'] ?? '';
  const own = `${place.tls ? 'https' : 'http'}://${place.endpoint}`;
  const trusted = place.endpoint === '' ? place.tls : named.replace(/\/$/, '') === own;
  const accessKey = environment['AWS_ACCESS_KEY_ID'];
  const secretKey = environment['AWS_SECRET_ACCESS_KEY'];
  if (!trusted || !accessKey || !secretKey) return undefined;
  return { accessKey, secretKey, sessionToken: environment['AWS_SESSION_TOKEN'] ?? '' };
}
