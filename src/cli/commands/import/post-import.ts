/** Hands versions to the import/ path of a key-value engine. */
import type { Client } from '../../../client/client.ts';
import { ApiError } from '../../../client/errors.ts';
import type { JsonObject } from '../../../client/json.ts';
import { reasonOf } from './ledger.ts';

const FORBIDDEN = 403;
const UNKNOWN = 404;

/** @throws {Error} that says what is missing here, where that is known */
export async function postImport(client: Client, path: string, body: JsonObject): Promise<void> {
  try {
    await client.post(path, body);
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw cause;
    if (cause.status === FORBIDDEN) {
      throw new Error(`${reasonOf(cause)} (the token needs create, update and sudo on ${path})`, {
        cause,
      });
    }
    if (cause.status === UNKNOWN) {
      throw new Error(
        `${reasonOf(cause)} (the server to write to must be a Strongroom that knows import/)`,
        { cause },
      );
    }
    throw cause;
  }
}
