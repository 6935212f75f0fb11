/** The value of a secret as rotations see it, and the new version that a rotation writes. */
import { invalidRequest } from '../../../model/errors.ts';
import type { TaskContext } from '../../../model/outside.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import type { Fields } from '../../../rotators/rotator.ts';
import { noteChange } from '../functions/changes.ts';
import { findVersion, isReadable, servedNumber } from '../secret/secret.ts';
import { loadForWrite, loadSecret, writeVersion } from '../secret/secret-store.ts';
import { decodeObject, encodePatched } from '../secret/value.ts';
import { loadMountSettings } from '../v2/mount-settings.ts';

export interface CurrentValue {
  readonly version: number;
  readonly createdMs: number;
  readonly fields: Fields;
}

/** The texts of the current version. @throws {RequestError} there is none that could be read */
export async function currentValue(
  store: Reader,
  path: string,
  nowMs: number,
): Promise<CurrentValue> {
  const record = await loadSecret(store, path);
  const version =
    record === undefined ? undefined : findVersion(record.secret, servedNumber(record.secret));
  if (record === undefined || version === undefined || !isReadable(version, nowMs)) {
    throw invalidRequest('the secret has no current version');
  }
  const texts = Object.entries(decodeObject(version, record.value)).filter(
    ([, value]) => typeof value === 'string',
  );
  const { number, createdMs } = version;
  return { version: number, createdMs, fields: Object.fromEntries(texts) as Fields };
}

export interface Promotion {
  readonly next: Fields;
  readonly id: string;
  /** The version before stays readable until then, however few are kept. */
  readonly keepUntilMs: number;
}

/** Writes the changed fields over what is current now, whoever has written in between. */
export async function promote(
  store: Transaction,
  path: string,
  { next, id, keepUntilMs }: Promotion,
  { nowMs, schedule }: Pick<TaskContext, 'nowMs' | 'schedule'>,
): Promise<{ readonly version: number; readonly previous: number }> {
  const [settings, before] = await Promise.all([
    loadMountSettings(store),
    loadForWrite(store, path, nowMs),
  ]);
  const version =
    before === undefined ? undefined : findVersion(before.secret, servedNumber(before.secret));
  if (before === undefined || version === undefined) {
    throw invalidRequest('the secret has no current version');
  }
  const object = { ...decodeObject(version, before.value), ...next };
  const { value, ...attributes } = encodePatched(version, before.value, object);
  const fresh = { id, ...attributes };
  const written = writeVersion(store, path, before, fresh, value, settings, nowMs, {
    keepUntilMs,
  });
  noteChange({ id, nowMs, schedule }, store, path, before.secret, written.secret);
  return { version: written.version.number, previous: version.number };
}
