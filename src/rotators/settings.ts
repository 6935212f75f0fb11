/** Reads settings of rotators. */
import { MismatchError, toCommaStringList, toText } from '../base/coerce.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import { SettingsError } from '../targets/database.ts';

function own(settings: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(settings, name) ? settings[name] : undefined;
}

export function textOf(settings: JsonObject, name: string, otherwise: string = ''): string {
  const value = own(settings, name);
  if (value === undefined || value === null) return otherwise;
  try {
    return toText(value);
  } catch (error) {
    if (error instanceof MismatchError) throw new SettingsError(`${name}: ${error.message}`);
    throw error;
  }
}

export function listSetting(
  settings: JsonObject,
  name: string,
  otherwise: readonly string[],
): readonly string[] {
  const value = own(settings, name);
  if (value === undefined || value === null) return otherwise;
  try {
    const list = toCommaStringList(value).filter((item) => item !== '');
    return list.length === 0 ? otherwise : list;
  } catch (error) {
    if (error instanceof MismatchError) throw new SettingsError(`${name}: ${error.message}`);
    throw error;
  }
}

export function objectSetting(settings: JsonObject, name: string): JsonObject | undefined {
  const value = own(settings, name);
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw new SettingsError(`${name} is not an object`);
  return value;
}
