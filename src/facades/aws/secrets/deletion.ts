/** Deletion with a recovery window, restoration, and the end. */
import { operation } from '../asking.ts';
import type { Operation } from '../asking.ts';
import { invalidParameter, invalidRequest } from '../errors.ts';
import { arnOf, namedBy, SECRET_ID_MAX } from './names.ts';
import { onSecret, seconds } from './on-secret.ts';
import { awsOf } from './aws-attributes.ts';

const DAY_MS = 86_400_000;
const DAYS_DEFAULT = 30;
const DAYS_MIN = 7;
const DAYS_MAX = 30;

const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;

export const deleteSecret: Operation = operation(
  {
    SecretId: SECRET_ID,
    RecoveryWindowInDays: { kind: 'integer', min: -(2 ** 31), max: 2 ** 31 },
    ForceDeleteWithoutRecovery: { kind: 'boolean' },
  },
  async (input, asking) => {
    const { RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force = false } = input;
    if (force && days !== undefined) {
      throw invalidParameter(
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
      );
    }
    if (days !== undefined && (days < DAYS_MIN || days > DAYS_MAX)) {
      throw invalidParameter(
        `The RecoveryWindowInDays value must be between ${DAYS_MIN} and ${DAYS_MAX} days (inclusive).`,
      );
    }
    const wanted = { operation: 'delete', at: 'metadata', evenDeleted: force } as const;
    try {
      return await onSecret(asking, input.SecretId, wanted, ({ desk, arn, name, secret }) => {
        if ((awsOf(secret).replicas ?? []).length > 0) {
          throw invalidRequest("You can't delete secret that still has replica regions.");
        }
        const purgeMs = force ? desk.nowMs : desk.nowMs + (days ?? DAYS_DEFAULT) * DAY_MS;
        if (force) desk.remove();
        else desk.change((before) => ({ ...before, deletedMs: desk.nowMs, purgeMs }));
        return { ARN: arn, Name: name, DeletionDate: seconds(purgeMs) };
      });
    } catch (error) {
      if (!force || !isNotFound(error)) throw error;
      // What is not there is gone: forced deletions succeed, so that they can be repeated.
      const [named] = namedBy(input.SecretId, asking);
      const name = named?.name ?? '';
      const arn = arnOf(asking, name, { createdMs: asking.nowMs });
      return { ARN: arn, Name: name, DeletionDate: seconds(asking.nowMs) };
    }
  },
);

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'ResourceNotFoundException';
}

export const restoreSecret: Operation = operation(
  { SecretId: SECRET_ID },
  async (input, asking) => {
    const wanted = { operation: 'write', at: 'undelete', evenDeleted: true } as const;
    return await onSecret(asking, input.SecretId, wanted, ({ desk, arn, name, secret }) => {
      if (secret.deletedMs !== undefined) {
        desk.change(({ deletedMs: _deleted, purgeMs: _purge, ...rest }) => rest);
      }
      return { ARN: arn, Name: name };
    });
  },
);
