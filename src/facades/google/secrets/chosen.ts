/** Which secret and which version a name means. */
import type { Secret, Version } from '../../../model/secret.ts';
import { findVersion, servedNumber } from '../../../model/secret.ts';
import type { SecretDesk } from '../../../model/tasks/secret-task.ts';
import type { SecretName } from '../names.ts';
import { noVersions, secretNotFound, versionNotFound } from './shown.ts';

/** The secret, unless there is none or another API has deleted it as a whole. @throws {StatusError} */
export function liveSecret(desk: Pick<SecretDesk, 'secret'>, name: SecretName): Secret {
  const { secret } = desk;
  if (secret === undefined || secret.deletedMs !== undefined) throw secretNotFound(name);
  return secret;
}

const NUMBER = /^\d+$/;

/** By number, by alias, or `latest`, which is the version that every API answers without a number. @throws {StatusError} */
export function chosenVersion(secret: Secret, name: SecretName): Version {
  const { version: text } = name;
  if (text === 'latest') {
    const version = findVersion(secret, servedNumber(secret));
    if (version === undefined) throw noVersions(name);
    return version;
  }
  const labels = secret.labels ?? {};
  const number = NUMBER.test(text)
    ? Number(text)
    : Object.hasOwn(labels, text)
      ? labels[text]
      : undefined;
  const version = number === undefined ? undefined : findVersion(secret, number);
  if (version === undefined) throw versionNotFound(name);
  return version;
}

/** Methods that change a version take its number only, no alias. @throws {StatusError} */
export function numberedVersion(secret: Secret, name: SecretName): Version {
  if (!NUMBER.test(name.version)) throw versionNotFound(name);
  return chosenVersion(secret, name);
}
