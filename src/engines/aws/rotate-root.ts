/**
 * `config/rotate-root`: a new access key for the account that makes others, which from then on nobody but the server knows. The
 * new key is made, then kept, then the old one is removed, so that a key that works is known at every point.
 */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { IntentType, TaskType } from '../../model/outside.ts';
import { findRootConfig, putRootConfig, rootConfigOf } from './config.ts';
import { asFailure, awsOf } from './query-api.ts';
import { createAccessKey, unlessGone } from './users.ts';
import type { AwsPorts } from './ports.ts';

export const ROTATE_ROOT = 'rotate-root';
/** The task that removes the key that was replaced. */
export const RETIRE_KEY = 'retire-key';
/** Clocks of AWS and of this server may differ by this much. */
const CLOCK_SKEW_MS = 300_000;

export function rotateRootPath(ports: AwsPorts): Path {
  return definePath({
    pattern: 'config/rotate-root',
    fields: {},
    help: {
      synopsis: 'Gives the account that makes others a new access key.',
      description: 'Its secret is not shown: let the server have an IAM user of its own.',
    },
    operations: {
      update: {
        summary: 'Rotate the access key',
        outsideEffects: true,
        handler: async ({ nowMs, outside, schedule }, store) => {
          const config = await rootConfigOf(store);
          await outside.intend(ROTATE_ROOT, { kept: config.accessKey }, ROTATE_ROOT);
          let key: Awaited<ReturnType<typeof createAccessKey>>;
          try {
            key = await createAccessKey(awsOf(config, ports, nowMs), '');
          } catch (error) {
            throw asFailure('error creating an access key', error);
          }
          putRootConfig(store, { ...config, ...key });
          schedule(RETIRE_KEY, config.accessKey, nowMs);
          return { data: { access_key: key.accessKey } };
        },
      },
    },
  });
}

/** A request that did not come to its end may have made a key that nobody knows: what was made since is removed. */
export function rotateRootIntent(ports: AwsPorts): IntentType {
  return {
    async settle({ data, openedMs, nowMs }, store) {
      const config = await findRootConfig(store);
      if (config === undefined || config.accessKey !== data['kept']) return;
      const aws = awsOf(config, ports, nowMs);
      for (const entry of (await aws.iam('ListAccessKeys')).all('member')) {
        const id = entry.text('AccessKeyId');
        const madeMs = Date.parse(entry.text('CreateDate') ?? '');
        if (id === undefined || id === config.accessKey) continue;
        if (!(madeMs >= openedMs - CLOCK_SKEW_MS)) continue;
        await unlessGone(() => aws.iam('DeleteAccessKey', { AccessKeyId: id }));
      }
    },
  };
}

export function retireKeyTask(ports: AwsPorts): TaskType {
  return {
    async run({ name, nowMs }, store) {
      const config = await findRootConfig(store);
      // Configured anew meanwhile, perhaps with this very key.
      if (config === undefined || config.accessKey === name) return 'done';
      const aws = awsOf(config, ports, nowMs);
      await unlessGone(() => aws.iam('DeleteAccessKey', { AccessKeyId: name }));
      return 'done';
    },
  };
}
