/** Names and ARNs of secrets. A name is the path of the secret below the bound mount, unchanged. */
import { hash } from 'node:crypto';
import type { Secret } from '../../../model/secret.ts';
import type { Asking } from '../asking.ts';
import { invalidParameter, notFound, validation } from '../errors.ts';

export const NAME_MAX = 512;
export const SECRET_ID_MAX = 2048;
const NAME = /^[A-Za-z0-9/_+=.@!-]+$/;
const SUFFIX_LENGTH = 6;
const SUFFIX = /^(.+)-([A-Za-z0-9]{6})$/;
const ARN = /^arn:aws:secretsmanager:([a-z0-9-]*):(\d*):secret:(.+)$/;
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** True for paths that this API can name: others are not seen through it. */
export function isName(path: string): boolean {
  return path.length <= NAME_MAX && NAME.test(path) && isPath(path);
}

/** A name is a path here, so it has no empty and no dot segments. */
function isPath(name: string): boolean {
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** @throws {AwsError} */
export function assertName(name: string): string {
  if (name === '' || name.length > NAME_MAX || !NAME.test(name)) {
    throw validation(
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    );
  }
  if (!isPath(name)) {
    throw validation(
      'Invalid name. On this server a name is a path: it must not begin or end with a slash, nor hold //, /./ or /../.',
    );
  }
  return name;
}

/**
 * Six letters that follow from name and time of creation: every secret has an ARN, whichever API made it, and one that is made
 * again after its deletion has another.
 */
export function suffixOf(account: string, name: string, secret: Pick<Secret, 'createdMs'>): string {
  const digest = hash('sha256', JSON.stringify([account, name, secret.createdMs]), 'latin1');
  let suffix = '';
  for (let index = 0; index < SUFFIX_LENGTH; index++) {
    suffix += LETTERS[digest.charCodeAt(index) % LETTERS.length];
  }
  return suffix;
}

export function arnOf(
  { account, region }: Pick<Asking, 'account' | 'region'>,
  name: string,
  secret: Pick<Secret, 'createdMs'>,
): string {
  return `arn:aws:secretsmanager:${region}:${account}:secret:${name}-${suffixOf(account, name, secret)}`;
}

/** What a SecretId may mean: the likelier first. */
export interface Named {
  readonly name: string;
  /** The ARN was whole: the secret must have this suffix. */
  readonly suffix: string | undefined;
}

/**
 * A name, a whole ARN or a partial one, without the suffix. A partial ARN whose name ends like a suffix (`db-secret`) looks like
 * a whole one: both readings are given.
 * @throws {AwsError}
 */
export function namedBy(
  secretId: string,
  asking: Pick<Asking, 'account' | 'region'>,
): readonly [Named] | readonly [Named, Named] {
  if (!secretId.startsWith('arn:')) return [{ name: assertName(secretId), suffix: undefined }];
  const match = ARN.exec(secretId);
  if (match === null) throw invalidParameter('Invalid ARN.');
  const [, region, account, rest = ''] = match;
  if (region !== asking.region || account !== asking.account) throw notFound();
  const partial: Named = { name: assertName(rest), suffix: undefined };
  const whole = SUFFIX.exec(rest);
  if (whole === null || !isName(whole[1] ?? '')) return [partial];
  return [{ name: whole[1] ?? '', suffix: whole[2] }, partial];
}
