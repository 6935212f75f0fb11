/** Which key and which of its versions a request means, and whether they may be used. */
import type { KeyDesk, ManagedKey } from '../../../model/tasks/key-task.ts';
import { deletedNotFound, disabled, objectNotFound } from '../wire/errors.ts';
import { isShowable, keyVersionId } from './bundle.ts';
import type { ChosenVersion } from './bundle.ts';

/** The key, unless there is none, it is deleted, or of a kind that this API has not. @throws {AzureError} */
export function liveKey(desk: Pick<KeyDesk, 'key'>, name: string): ManagedKey {
  const { key } = desk;
  if (key === undefined || key.softDeleted || !isShowable(key)) throw objectNotFound('key', name);
  return key;
}

/** @throws {AzureError} */
export function deletedKey(desk: Pick<KeyDesk, 'key'>, name: string): ManagedKey {
  const { key } = desk;
  if (key?.softDeleted !== true || !isShowable(key)) throw deletedNotFound('key', name);
  return key;
}

/** Versions that may still be used, oldest first. */
export function versionsOf(key: ManagedKey): ChosenVersion[] {
  return Object.entries(key.versions)
    .map(([number, version]) => ({ number: Number(number), version }))
    .filter(({ number }) => number >= key.minDecryptionVersion)
    .toSorted((a, b) => a.number - b.number);
}

/** The version with this id, or without one the latest. @throws {AzureError} */
export function chosenKeyVersion(key: ManagedKey, name: string, id: string): ChosenVersion {
  const all = versionsOf(key);
  const chosen =
    id === ''
      ? all.at(-1)
      : all.find(({ number, version }) => keyVersionId(name, number, version) === id.toLowerCase());
  if (chosen === undefined) throw objectNotFound('key', id === '' ? name : `${name}/${id}`);
  return chosen;
}

/** @throws {AzureError} the version is switched off */
export function assertEnabled({ version }: ChosenVersion): void {
  if (version.disabled === true) throw disabled('key');
}
