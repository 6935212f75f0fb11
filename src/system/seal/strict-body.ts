/**
 * The oldest paths around the seal read their bodies strictly: a number is a number. `"3"` shares of a new key are as likely a
 * mistake as three.
 */
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { FieldSet } from '../../model/field.ts';
import type { Unit } from '../../model/transaction.ts';

const FITS: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  int: (value) => Number.isSafeInteger(value),
  bool: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  string_list: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
};

/** @throws {RequestError} invalid_request; what is left out or null is not looked at */
export function assertAsDeclared(fields: FieldSet, data: Readonly<JsonObject>): void {
  for (const [name, { kind }] of Object.entries(fields)) {
    const value = data[name];
    if (value !== undefined && value !== null && FITS[kind]?.(value) === false)
      throw invalidRequest(`failed to parse JSON input: "${name}" is of the wrong type`);
  }
}

/** The path, reading the bodies of its writes strictly. */
export function strictly(path: Path<Unit>): Path<Unit> {
  const { update } = path.operations;
  if (update === undefined) return path;
  return {
    ...path,
    operations: {
      ...path.operations,
      update: {
        ...update,
        handler: (request, unit) => {
          assertAsDeclared(path.fields, request.data);
          return update.handler(request, unit);
        },
      },
    },
  };
}
