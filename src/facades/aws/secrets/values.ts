/** Writing and reading values: CreateSecret, PutSecretValue, UpdateSecret, GetSecretValue. */
import { timingSafeEqual } from 'node:crypto';
import { after } from '../../../base/awaitable.ts';
import type { Awaitable } from '../../../base/awaitable.ts';
import { findVersion, isReadable, servedNumber } from '../../../model/secret.ts';
import type { SecretDesk } from '../../../model/tasks/secret-task.ts';
import type { Secret, Version } from '../../../model/secret.ts';
import { operation } from '../asking.ts';
import type { Asking, Operation, Output } from '../asking.ts';
import { AwsError, invalidParameter, invalidRequest, notFound } from '../errors.ts';
import { withAws, withDescription } from './aws-attributes.ts';
import { arnOf, assertName, NAME_MAX, SECRET_ID_MAX } from './names.ts';
import { onSecret, reply, seconds } from './on-secret.ts';
import type { Opened } from './on-secret.ts';
import { assertAllowed } from './policy/evaluate.ts';
import { replicasOf, REPLICA_REGIONS } from './replication.ts';
import {
  CURRENT,
  PREVIOUS,
  stagesOf,
  versionById,
  versionByStage,
  versionIdOf,
  withoutWaiting,
} from './stages.ts';
import { TAGS, withTags } from './tags.ts';

const VALUE_BYTES_MAX = 65_536;
const STAGES_MAX = 20;

const TOKEN = { kind: 'string', min: 32, max: 64 } as const;
const VALUE = {
  SecretString: { kind: 'string', min: 1, max: VALUE_BYTES_MAX },
  SecretBinary: { kind: 'blob', min: 1, max: VALUE_BYTES_MAX },
} as const;
const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;

interface ValueInput {
  readonly SecretString: string | undefined;
  readonly SecretBinary: Buffer | undefined;
}

interface Written {
  readonly value: Buffer;
  readonly form: 'text' | 'binary';
}

/** @throws {AwsError} both were sent, or more than fits */
function valueOf({ SecretString: text, SecretBinary: bytes }: ValueInput): Written | undefined {
  if (text !== undefined && bytes !== undefined) {
    throw invalidParameter(
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  if (bytes !== undefined) return { value: bytes, form: 'binary' };
  if (text === undefined) return undefined;
  const value = Buffer.from(text);
  if (value.length > VALUE_BYTES_MAX) {
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to ${VALUE_BYTES_MAX}`,
    );
  }
  return { value, form: 'text' };
}

function tokenOf(token: string | undefined): string {
  if (token !== undefined) return token;
  throw invalidParameter(
    'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
  );
}

/** Adds the version that `token` names, unless it is there already with the same value. */
async function addVersion(
  { desk, name }: Pick<Opened, 'desk' | 'name'>,
  asking: Asking,
  token: string,
  { value, form }: Written,
  stages: readonly string[],
): Promise<Version> {
  const before = existing(desk);
  const known = versionById(before, token);
  if (known !== undefined) {
    const same = await desk.value(known.number);
    if (
      same.length === value.length &&
      timingSafeEqual(same, value) &&
      (known.form ?? 'text') === form
    )
      return known;
    throw new AwsError(
      'ResourceExistsException',
      `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${arnOf(asking, name, before)}.`,
    );
  }
  const labels = stages.filter((stage) => stage !== CURRENT && stage !== PREVIOUS);
  const placement = { keepServed: !stages.includes(CURRENT), labels };
  const { version } = await desk.addVersion(value, { writeToken: token, form }, placement);
  desk.change((secret) => {
    const previous = stages.includes(PREVIOUS) ? { previous: version.number } : {};
    return withoutWaiting({ ...secret, ...previous }, token, stages);
  });
  return version;
}

function existing(desk: SecretDesk): Secret {
  if (desk.secret === undefined) throw notFound();
  return desk.secret;
}

export const createSecret: Operation = operation(
  {
    Name: { kind: 'string', min: 1, max: NAME_MAX, required: true },
    ClientRequestToken: TOKEN,
    Description: { kind: 'string', max: 2048 },
    KmsKeyId: { kind: 'string', max: 2048 },
    Type: { kind: 'string', max: 256 },
    ...VALUE,
    Tags: TAGS,
    AddReplicaRegions: REPLICA_REGIONS,
    ForceOverwriteReplicaSecret: { kind: 'boolean' },
    CrossAccountPrimaryARN: { kind: 'string', max: 2048 },
  },
  async (input, asking) => {
    const name = assertName(input.Name);
    if (input.CrossAccountPrimaryARN !== undefined) {
      throw invalidParameter('Replicas of other accounts are not supported.');
    }
    const written = valueOf(input);
    const token = written === undefined ? undefined : tokenOf(input.ClientRequestToken);
    const replicas = await replicasOf(asking, input.AddReplicaRegions ?? []);
    const answer = await asking.ask({
      operation: 'write',
      path: `data/${name}`,
      task: {
        secret: async (desk) => {
          const before = desk.secret;
          if (before !== undefined) {
            if (before.deletedMs !== undefined) {
              throw invalidRequest(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
              );
            }
            assertAllowed(asking, desk, before, arnOf(asking, name, before));
            // The same request once more succeeds; another one is about a name that is taken.
            if (
              token === undefined ||
              written === undefined ||
              versionById(before, token) === undefined
            ) {
              throw new AwsError(
                'ResourceExistsException',
                `The operation failed because the secret ${name} already exists.`,
              );
            }
            await addVersion({ desk, name }, asking, token, written, [CURRENT]);
            return reply(made(asking, name, before, token));
          }
          desk.create();
          desk.change((secret) => {
            const tagged = withTags(secret, input.Tags ?? []);
            const described =
              input.Description === undefined ? tagged : withDescription(tagged, input.Description);
            return withAws(described, {
              kmsKeyId: input.KmsKeyId,
              type: input.Type,
              replicas: replicas.length === 0 ? undefined : replicas.map(({ replica }) => replica),
            });
          });
          if (written !== undefined && token !== undefined) {
            await addVersion({ desk, name }, asking, token, written, [CURRENT]);
          }
          return reply(made(asking, name, existing(desk), token));
        },
      },
    });
    return {
      ...answer.reply?.data,
      ...(replicas.length === 0 ? {} : { ReplicationStatus: replicas.map(({ status }) => status) }),
    };
  },
);

function made(asking: Asking, name: string, secret: Secret, token: string | undefined): Output {
  return {
    ARN: arnOf(asking, name, secret),
    Name: name,
    ...(token === undefined ? {} : { VersionId: token }),
  };
}

export const putSecretValue: Operation = operation(
  {
    SecretId: SECRET_ID,
    ClientRequestToken: TOKEN,
    ...VALUE,
    VersionStages: { kind: 'strings', min: 1, max: STAGES_MAX, length: 256 },
    RotationToken: { kind: 'string', min: 36, max: 256 },
  },
  async (input, asking) => {
    const written = valueOf(input);
    if (written === undefined)
      throw invalidRequest('You must provide either SecretString or SecretBinary.');
    const token = tokenOf(input.ClientRequestToken);
    const stages = [...new Set(input.VersionStages ?? [CURRENT])];
    return await onSecret(
      asking,
      input.SecretId,
      { operation: 'write', at: 'data' },
      async (opened) => {
        const version = await addVersion(opened, asking, token, written, stages);
        const { arn, name, secret } = opened;
        return { ARN: arn, Name: name, VersionId: token, VersionStages: stagesOf(secret, version) };
      },
    );
  },
);

export const updateSecret: Operation = operation(
  {
    SecretId: SECRET_ID,
    ClientRequestToken: TOKEN,
    Description: { kind: 'string', max: 2048 },
    KmsKeyId: { kind: 'string', max: 2048 },
    Type: { kind: 'string', max: 256 },
    ...VALUE,
  },
  async (input, asking) => {
    const written = valueOf(input);
    const token = written === undefined ? undefined : tokenOf(input.ClientRequestToken);
    // Without a value nothing but the metadata changes: that is the capability it needs.
    const at = written === undefined ? 'metadata' : 'data';
    return await onSecret(asking, input.SecretId, { operation: 'write', at }, async (opened) => {
      const { desk, arn, name } = opened;
      if (written !== undefined && token !== undefined) {
        if (versionById(opened.secret, token) !== undefined) {
          throw new AwsError(
            'ResourceExistsException',
            `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${arn}.`,
          );
        }
        await addVersion(opened, asking, token, written, [CURRENT]);
      }
      desk.change((secret) => {
        const described =
          input.Description === undefined ? secret : withDescription(secret, input.Description);
        return withAws(described, {
          ...(input.KmsKeyId === undefined ? {} : { kmsKeyId: input.KmsKeyId }),
          ...(input.Type === undefined ? {} : { type: input.Type }),
        });
      });
      return { ARN: arn, Name: name, ...(token === undefined ? {} : { VersionId: token }) };
    });
  },
);

/** The version that a read names. @throws {AwsError} */
function chosen(secret: Secret, id: string | undefined, stage: string | undefined): Version {
  if (id !== undefined) {
    const version = versionById(secret, id);
    if (version === undefined) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for VersionId: ${id}`,
      );
    }
    if (stage !== undefined && !stagesOf(secret, version).includes(stage)) {
      throw invalidRequest(
        'You provided a VersionStage that is not associated to the provided VersionId.',
      );
    }
    return version;
  }
  const wanted = stage ?? CURRENT;
  const version =
    stage === undefined
      ? findVersion(secret, servedNumber(secret))
      : versionByStage(secret, wanted);
  if (version !== undefined) return version;
  throw new AwsError(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for staging label: ${wanted}`,
  );
}

export function shownValue(
  { desk, secret, arn, name }: Opened,
  id: string | undefined,
  stage: string | undefined,
): Awaitable<Output> {
  const version = chosen(secret, id, stage);
  if (!isReadable(version, desk.nowMs)) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${id === undefined ? `staging label: ${stage ?? CURRENT}` : `VersionId: ${id}`}`,
    );
  }
  return after(desk.value(version.number), (value) => ({
    ARN: arn,
    Name: name,
    VersionId: versionIdOf(version),
    ...(version.form === 'binary'
      ? { SecretBinary: value.toString('base64') }
      : { SecretString: value.toString() }),
    VersionStages: stagesOf(secret, version),
    CreatedDate: seconds(version.createdMs),
  }));
}

export const getSecretValue: Operation = operation(
  {
    SecretId: SECRET_ID,
    VersionId: TOKEN,
    VersionStage: { kind: 'string', min: 1, max: 256 },
  },
  (input, asking) =>
    onSecret(asking, input.SecretId, { operation: 'read', at: 'data' }, (opened) =>
      shownValue(opened, input.VersionId, input.VersionStage),
    ),
);
