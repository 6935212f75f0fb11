/**
 * Replication. Regions that are bound to the same mount serve the same secret, so a replica there is in step by nature; a region
 * that is bound elsewhere, or not at all, is told to have failed.
 */
import { operation } from '../asking.ts';
import type { Asking, Operation, Output } from '../asking.ts';
import { AwsError, invalidParameter, invalidRequest } from '../errors.ts';
import { awsOf, withAws } from './aws-attributes.ts';
import type { Replica } from './aws-attributes.ts';
import { SECRET_ID_MAX } from './names.ts';
import { onSecret } from './on-secret.ts';

const REGIONS_MAX = 20;
const REGION = /^([a-z]+-)+\d+$/;

export const REPLICA_REGIONS = {
  kind: 'structures',
  max: 20,
  members: {
    Region: { kind: 'string', min: 1, max: 128, required: true },
    KmsKeyId: { kind: 'string', max: 2048 },
  },
} as const;

interface Wanted {
  readonly Region: string;
  readonly KmsKeyId: string | undefined;
}

export interface Status {
  readonly replica: Replica;
  readonly status: Output;
}

/** What becomes of each region. @throws {AwsError} a region cannot be one, or none of them serves the secret */
export async function replicasOf(
  asking: Asking,
  wanted: readonly Wanted[],
): Promise<readonly Status[]> {
  const found: Status[] = [];
  for (const { Region: region, KmsKeyId: kmsKeyId } of wanted) {
    if (!REGION.test(region)) throw invalidParameter('Invalid region.');
    if (region === asking.region)
      throw invalidParameter('Invalid replica region: it is the region of the primary secret.');
    if (!(await isSamePlace(asking, region))) {
      throw invalidParameter(
        `Region ${region} is not bound to the mount that holds the secrets of this region: replication between mounts is not supported.`,
      );
    }
    found.push({
      replica: { region, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) },
      status: {
        Region: region,
        ...(kmsKeyId === undefined ? {} : { KmsKeyId: kmsKeyId }),
        Status: 'InSync',
      },
    });
  }
  return found;
}

/** Whether a region of the account is bound to the mount of this one. */
async function isSamePlace(asking: Asking, region: string): Promise<boolean> {
  const [here, there] = [await asking.placeOf(asking.region), await asking.placeOf(region)];
  return here !== undefined && here === there;
}

const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;
const CHANGES = { operation: 'write', at: 'metadata' } as const;

export const replicateSecretToRegions: Operation = operation(
  {
    SecretId: SECRET_ID,
    AddReplicaRegions: { ...REPLICA_REGIONS, required: true },
    ForceOverwriteReplicaSecret: { kind: 'boolean' },
  },
  async (input, asking) => {
    const added = await replicasOf(asking, input.AddReplicaRegions);
    return await onSecret(asking, input.SecretId, CHANGES, ({ desk, arn, secret }) => {
      const before = awsOf(secret).replicas ?? [];
      const names = new Set(before.map(({ region }) => region));
      if (added.some(({ replica }) => names.has(replica.region))) {
        throw new AwsError(
          'ResourceExistsException',
          'A replica of the secret exists in that region already.',
        );
      }
      const replicas = [...before, ...added.map(({ replica }) => replica)];
      if (replicas.length > REGIONS_MAX)
        throw new AwsError('LimitExceededException', 'Too many replica regions.');
      desk.change((each) => withAws(each, { replicas }));
      return {
        ARN: arn,
        ReplicationStatus: replicas.map(({ region }) => ({ Region: region, Status: 'InSync' })),
      };
    });
  },
);

export const removeRegionsFromReplication: Operation = operation(
  {
    SecretId: SECRET_ID,
    RemoveReplicaRegions: {
      kind: 'strings',
      min: 1,
      max: REGIONS_MAX,
      length: 128,
      required: true,
    },
  },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, CHANGES, ({ desk, arn, secret }) => {
      const before = awsOf(secret).replicas ?? [];
      const removed = new Set(input.RemoveReplicaRegions);
      if ([...removed].some((region) => !before.some((each) => each.region === region))) {
        throw invalidParameter('The secret is not replicated to one of these regions.');
      }
      const replicas = before.filter(({ region }) => !removed.has(region));
      desk.change((each) =>
        withAws(each, { replicas: replicas.length === 0 ? undefined : replicas }),
      );
      return {
        ARN: arn,
        ReplicationStatus: replicas.map(({ region }) => ({ Region: region, Status: 'InSync' })),
      };
    }),
);

export const stopReplicationToReplica: Operation = operation(
  { SecretId: SECRET_ID },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, CHANGES, () => {
      throw invalidRequest(
        'The secret is a primary: every region of this server serves the same one.',
      );
    }),
);
