/** db: the database engine, by what one does with it. */
import { joinPath } from '../../../client/address.ts';
import { attempt, CommandFailure, EXIT_SERVER, type Invocation } from '../../command.ts';
import { cleanPath } from '../../paths.ts';
import { printSecretOrField, sayInTable } from '../../render/output.ts';

const DEFAULT_MOUNT = 'database';

function pathOf(invocation: Invocation, folder: string): string {
  return joinPath(
    cleanPath(invocation.flags.text('mount') || DEFAULT_MOUNT),
    folder,
    cleanPath(invocation.args[0] ?? ''),
  );
}

async function readFrom(invocation: Invocation, folder: string): Promise<number> {
  const path = pathOf(invocation, folder);
  const client = await invocation.session.client();
  const secret = await attempt(`Error reading ${path}`, client.read(path));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  return printSecretOrField(invocation, secret);
}

async function change(invocation: Invocation, folder: string, done: string): Promise<number> {
  const path = pathOf(invocation, folder);
  const client = await invocation.session.client();
  await attempt(`Error writing data to ${path}`, client.write(path, {}));
  return sayInTable(invocation, `Success! ${done}: ${invocation.args[0] ?? ''}`);
}

export const creds = (invocation: Invocation): Promise<number> => readFrom(invocation, 'creds');
export const staticCreds = (invocation: Invocation): Promise<number> =>
  readFrom(invocation, 'static-creds');
export const rotateRole = (invocation: Invocation): Promise<number> =>
  change(invocation, 'rotate-role', 'Rotated the credential of');
export const rotateRoot = (invocation: Invocation): Promise<number> =>
  change(invocation, 'rotate-root', 'Rotated the password of the connection');
export const reset = (invocation: Invocation): Promise<number> =>
  change(invocation, 'reset', 'Reset the connection');
