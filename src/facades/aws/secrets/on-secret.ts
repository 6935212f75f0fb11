/** What every operation on one secret does first: find out which it means, and whether its resource policy lets the caller. */
import { after } from '../../../base/awaitable.ts';
import type { Awaitable } from '../../../base/awaitable.ts';
import type { CallOperation } from '../../../core/call.ts';
import { RequestError } from '../../../model/errors.ts';
import type { SecretDesk } from '../../../model/tasks/secret-task.ts';
import type { Secret } from '../../../model/secret.ts';
import type { Asking, Output } from '../asking.ts';
import { AwsError, invalidRequest, notFound } from '../errors.ts';
import { arnOf, namedBy, suffixOf } from './names.ts';
import type { Named } from './names.ts';
import { assertAllowed } from './policy/evaluate.ts';
import type { Reply } from '../../../model/reply.ts';

export const MARKED =
  "You can't perform this operation on the secret because it was marked for deletion.";

/** A secret that is there, as an operation works on it. */
export interface Opened {
  readonly desk: SecretDesk;
  readonly name: string;
  readonly arn: string;
  /** As it is now, the operation's own changes included. */
  readonly secret: Secret;
}

export interface Wanted {
  readonly operation: CallOperation;
  /** The part of the mount whose capability counts: `data`, `metadata`, `undelete`. */
  readonly at: 'data' | 'metadata' | 'undelete';
  /** The operation also works on a secret that is scheduled for deletion. */
  readonly evenDeleted?: boolean;
  readonly region?: string;
  /** What is done to the secret beside the action that was called: a resource policy that denies either denies both. */
  readonly action?: string;
}

/** Carries what a task found out of the transaction. */
export function reply(data: Output): Reply {
  return { data };
}

/** @throws {RequestError} the secret does not exist, or the caller may not */
export function onSecret(
  asking: Asking,
  secretId: string,
  wanted: Wanted,
  run: (opened: Opened) => Awaitable<Output>,
): Promise<Output> {
  const [likely, other] = namedBy(secretId, asking);
  const found = onNamed(asking, likely, wanted, run);
  if (other === undefined) return found;
  // The ARN may have been a partial one of a name that ends like a suffix.
  return found.catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    return onNamed(asking, other, wanted, run);
  });
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof RequestError &&
    (error.code === 'permission_denied' ||
      (error instanceof AwsError && error.type === 'ResourceNotFoundException'))
  );
}

async function onNamed(
  asking: Asking,
  { name, suffix }: Named,
  wanted: Wanted,
  run: (opened: Opened) => Awaitable<Output>,
): Promise<Output> {
  const answer = await asking.ask({
    operation: wanted.operation,
    path: `${wanted.at}/${name}`,
    ...(wanted.region === undefined ? {} : { region: wanted.region }),
    task: {
      secret: (desk) => {
        const { secret } = desk;
        if (secret === undefined) throw notFound();
        if (suffix !== undefined && suffix !== suffixOf(asking.account, name, secret))
          throw notFound();
        const arn = arnOf(asking, name, secret);
        assertAllowed(asking, desk, secret, arn);
        if (wanted.action !== undefined) assertAllowed(asking, desk, secret, arn, wanted.action);
        if (wanted.evenDeleted !== true && secret.deletedMs !== undefined)
          throw invalidRequest(MARKED);
        const opened: Opened = {
          desk,
          name,
          arn,
          get secret() {
            return desk.secret ?? secret;
          },
        };
        return after(run(opened), reply);
      },
    },
  });
  return { ...answer.reply?.data };
}

/** Milliseconds as this API writes times. */
export function seconds(ms: number): number {
  return ms / 1000;
}
