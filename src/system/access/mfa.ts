/** `sys/mfa/validate`: shows the second factor of a login that waits for it, and gets its token. */
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { SecondFactor, Shown } from '../../identity/mfa/second-factor.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';

/** Methods, and codes of each, that one request may show. */
const SHOWN_MAX = 64;

/** Lists of codes by id or name of a method; what is no text is no code, and `null` is no list of them. @throws {RequestError} */
function shownIn(payload: JsonObject): Shown {
  const shown = new Map<string, readonly string[]>();
  for (const [method, sent] of Object.entries(payload)) {
    const codes = sent ?? [];
    if (!Array.isArray(codes) || codes.length > SHOWN_MAX || shown.size >= SHOWN_MAX)
      throw invalidRequest('invalid mfa payload');
    shown.set(
      method,
      codes.filter((code) => typeof code === 'string'),
    );
  }
  return shown;
}

export function mfaValidationPaths(secondFactor: SecondFactor): readonly Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'mfa/validate',
      fields: {
        mfa_request_id: { kind: 'string', description: 'Id of the login that waits.' },
        mfa_payload: {
          kind: 'map',
          description: 'By id of a method, its codes as a list.',
          sensitive: true,
        },
      },
      help: { synopsis: 'Finishes a login with its second factor.' },
      unauthenticated: true,
      operations: {
        update: {
          summary: 'Finish a login with its second factor',
          handler: async (request, unit) => {
            const { mfa_request_id: id = '', mfa_payload: payload = {} } = request.fields;
            if (id === '') throw invalidRequest('missing request ID');
            if (!isJsonObject(payload)) throw invalidRequest('invalid mfa payload');
            const completed = await secondFactor.complete(unit, request, id, shownIn(payload));
            return { completedLogin: completed };
          },
        },
      },
    }),
  ];
}
