/** What a secret looks like without its value: DescribeSecret, and the entries of ListSecrets. */
import type { Secret } from '../../../model/secret.ts';
import { operation } from '../asking.ts';
import type { Asking, Operation, Output } from '../asking.ts';
import { invalidParameter } from '../errors.ts';
import { awsOf, descriptionOf } from './aws-attributes.ts';
import { arnOf, SECRET_ID_MAX } from './names.ts';
import { onSecret, seconds } from './on-secret.ts';
import { hasValue, stagesById, stagesOf, versionIdOf } from './stages.ts';
import { shownTags } from './tags.ts';

const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;
const READS = { operation: 'read', at: 'metadata', evenDeleted: true } as const;
const PAGE_DEFAULT = 100;

/** Everything that DescribeSecret and ListSecrets have in common. */
export function described(
  asking: Pick<Asking, 'account' | 'region'>,
  name: string,
  secret: Secret,
): Record<string, unknown> {
  const { kmsKeyId, type, rotation, replicas = [] } = awsOf(secret);
  const tags = shownTags(secret);
  const description = descriptionOf(secret);
  return {
    ARN: arnOf(asking, name, secret),
    Name: name,
    ...(type === undefined ? {} : { Type: type }),
    ...(description === undefined ? {} : { Description: description }),
    ...(kmsKeyId === undefined ? {} : { KmsKeyId: kmsKeyId }),
    ...(rotation === undefined
      ? {}
      : {
          RotationEnabled: rotation.enabled,
          ...(rotation.function === undefined ? {} : { RotationLambdaARN: rotation.function }),
          ...(rotation.rules === undefined ? {} : { RotationRules: rotation.rules }),
        }),
    LastChangedDate: seconds(secret.updatedMs),
    ...(secret.deletedMs === undefined
      ? {}
      : { DeletedDate: seconds(secret.purgeMs ?? secret.deletedMs) }),
    ...(tags.length === 0 ? {} : { Tags: tags }),
    CreatedDate: seconds(secret.createdMs),
    ...(replicas.length === 0 ? {} : { PrimaryRegion: asking.region }),
  };
}

export const describeSecret: Operation = operation(
  { SecretId: SECRET_ID },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, READS, async ({ desk, secret, name }) => {
      const { replicas = [], rotation } = awsOf(secret);
      const state = rotation === undefined ? undefined : await desk.rotation();
      return {
        ...described(asking, name, secret),
        ...(state?.lastMs === undefined ? {} : { LastRotatedDate: seconds(state.lastMs) }),
        ...(rotation?.enabled !== true || state?.dueMs === undefined
          ? {}
          : { NextRotationDate: seconds(state.dueMs) }),
        VersionIdsToStages: stagesById(secret),
        ...(replicas.length === 0
          ? {}
          : {
              ReplicationStatus: replicas.map(({ region, kmsKeyId }) => ({
                Region: region,
                ...(kmsKeyId === undefined ? {} : { KmsKeyId: kmsKeyId }),
                Status: 'InSync',
              })),
            }),
      };
    }),
);

export const listSecretVersionIds: Operation = operation(
  {
    SecretId: SECRET_ID,
    MaxResults: { kind: 'integer', min: 1, max: 100 },
    NextToken: { kind: 'string', min: 1, max: 4096 },
    IncludeDeprecated: { kind: 'boolean' },
  },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, READS, ({ desk, secret, arn, name }) => {
      const before =
        input.NextToken === undefined ? Number.POSITIVE_INFINITY : numberOf(input.NextToken);
      const listed = secret.versions
        .filter((version) => version.number < before && hasValue(version, desk.nowMs))
        .map((version) => ({ version, stages: stagesOf(secret, version) }))
        .filter(({ stages }) => input.IncludeDeprecated === true || stages.length > 0)
        .toReversed();
      const max = input.MaxResults ?? PAGE_DEFAULT;
      const page = listed.slice(0, max);
      const last = page.at(-1)?.version.number;
      return {
        Versions: page.map(({ version, stages }) => ({
          VersionId: versionIdOf(version),
          ...(stages.length === 0 ? {} : { VersionStages: stages }),
          CreatedDate: seconds(version.createdMs),
          KmsKeyIds: ['DefaultEncryptionKey'],
        })),
        ...(listed.length > max && last !== undefined ? { NextToken: tokenOf(last) } : {}),
        ARN: arn,
        Name: name,
      } satisfies Output;
    }),
);

function tokenOf(number: number): string {
  return Buffer.from(`versions:${number}`).toString('base64');
}

function numberOf(token: string): number {
  const match = /^versions:(\d{1,15})$/.exec(Buffer.from(token, 'base64').toString());
  if (match === null) throw invalidNextToken();
  return Number(match[1]);
}

export function invalidNextToken(): Error {
  return invalidParameter('The NextToken value is invalid.');
}
