/** The operations of AWS Secrets Manager, by name. */
import { operation } from '../asking.ts';
import type { Operation } from '../asking.ts';
import { invalidRequest } from '../errors.ts';
import { deleteSecret, restoreSecret } from './deletion.ts';
import { describeSecret, listSecretVersionIds } from './describing.ts';
import { batchGetSecretValue, listSecrets } from './listing.ts';
import { getRandomPassword } from './password.ts';
import {
  deleteResourcePolicy,
  getResourcePolicy,
  listResourcePolicies,
  putResourcePolicy,
  validateResourcePolicy,
} from './policy/operations.ts';
import { updateSecretVersionStage } from './move-stage.ts';
import {
  removeRegionsFromReplication,
  replicateSecretToRegions,
  stopReplicationToReplica,
} from './replication.ts';
import { cancelRotateSecret, rotateSecret } from './rotation.ts';
import { tagResource, untagResource } from './tags.ts';
import { createSecret, getSecretValue, putSecretValue, updateSecret } from './values.ts';

/** Replicas in other accounts: another account is another namespace here, with identities of its own. */
const crossAccount = operation({}, () => {
  throw invalidRequest('Replicas of other accounts are not supported.');
});

export const SECRETS_OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['AssociateCrossAccountReplica', crossAccount],
  ['BatchGetSecretValue', batchGetSecretValue],
  ['CancelRotateSecret', cancelRotateSecret],
  ['CreateSecret', createSecret],
  ['DeleteResourcePolicy', deleteResourcePolicy],
  ['DeleteSecret', deleteSecret],
  ['DescribeSecret', describeSecret],
  ['DisassociateCrossAccountReplica', crossAccount],
  ['GetRandomPassword', getRandomPassword],
  ['GetResourcePolicy', getResourcePolicy],
  ['GetSecretValue', getSecretValue],
  ['ListResourcePolicies', listResourcePolicies],
  ['ListSecretVersionIds', listSecretVersionIds],
  ['ListSecrets', listSecrets],
  ['PutResourcePolicy', putResourcePolicy],
  ['PutSecretValue', putSecretValue],
  ['RemoveRegionsFromReplication', removeRegionsFromReplication],
  ['ReplicateSecretToRegions', replicateSecretToRegions],
  ['RestoreSecret', restoreSecret],
  ['RotateSecret', rotateSecret],
  ['StopReplicationToReplica', stopReplicationToReplica],
  ['TagResource', tagResource],
  ['UntagResource', untagResource],
  ['UpdateSecret', updateSecret],
  ['UpdateSecretVersionStage', updateSecretVersionStage],
  ['ValidateResourcePolicy', validateResourcePolicy],
]);
