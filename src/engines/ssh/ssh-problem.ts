/** What is wrong with a key, told to the caller without repeating the key. */
import { SshFormatError } from '../../crypto/ssh/wire.ts';
import { invalidRequest } from '../../model/errors.ts';

/** @throws {RequestError} invalid_request, with `before` in front of what is wrong */
export function sshProblem<T>(before: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SshFormatError) throw invalidRequest(before + error.message);
    throw error;
  }
}
