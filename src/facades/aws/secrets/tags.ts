/** Tags are the secret's custom metadata: what `kv metadata` shows, and what the other APIs make of that. */
import type { Secret } from '../../../model/secret.ts';
import { operation } from '../asking.ts';
import type { Operation } from '../asking.ts';
import { AwsError, invalidParameter, invalidRequest } from '../errors.ts';
import { SECRET_ID_MAX } from './names.ts';
import { onSecret } from './on-secret.ts';

const TAGS_MAX = 50;
const KEY_MAX = 128;

export const TAGS = {
  kind: 'structures',
  max: 100,
  members: {
    Key: { kind: 'string', min: 1, max: 128, required: true },
    Value: { kind: 'string', max: 256 },
  },
} as const;

export interface Tag {
  readonly Key: string;
  readonly Value: string | undefined;
}

export function shownTags(secret: Secret): readonly { Key: string; Value: string }[] {
  return Object.entries(secret.customMetadata).map(([Key, Value]) => ({ Key, Value }));
}

/** @throws {AwsError} too many, one twice, or a reserved one */
export function withTags(secret: Secret, tags: readonly Tag[]): Secret {
  if (new Set(tags.map(({ Key }) => Key)).size !== tags.length) {
    throw invalidParameter('You provided duplicate tag keys.');
  }
  if (tags.some(({ Key }) => /^aws:/i.test(Key))) {
    throw invalidRequest('Tag keys that begin with aws: are reserved for system use.');
  }
  const merged = new Map(Object.entries(secret.customMetadata));
  for (const { Key, Value = '' } of tags) merged.set(Key, Value);
  if (tags.length > 0 && merged.size > TAGS_MAX) {
    throw new AwsError('LimitExceededException', `A secret can have at most ${TAGS_MAX} tags.`);
  }
  return { ...secret, customMetadata: Object.fromEntries(merged) };
}

const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;
const CHANGES = { operation: 'write', at: 'metadata' } as const;

export const tagResource: Operation = operation(
  { SecretId: SECRET_ID, Tags: { ...TAGS, required: true } },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, CHANGES, ({ desk }) => {
      desk.change((secret) => withTags(secret, input.Tags));
      return {};
    }),
);

export const untagResource: Operation = operation(
  {
    SecretId: SECRET_ID,
    TagKeys: { kind: 'strings', max: 2 * TAGS_MAX, length: KEY_MAX, required: true },
  },
  async (input, asking) =>
    await onSecret(asking, input.SecretId, CHANGES, ({ desk }) => {
      desk.change((secret) => {
        const left = Object.entries(secret.customMetadata).filter(
          ([key]) => !input.TagKeys.includes(key),
        );
        return { ...secret, customMetadata: Object.fromEntries(left) };
      });
      return {};
    }),
);
