/** kv delete, undelete, destroy: single versions of a secret. */
import { attempt, CommandFailure, EXIT_LOCAL, type Invocation } from '../../command.ts';
import { printSecret, printSecretOrField, sayInTable } from '../../render/output.ts';
import { findTarget } from './path.ts';

async function deleteVersions(invocation: Invocation): Promise<number> {
  const { pathIn, version2 } = await findTarget(invocation);
  const versions = readVersions(invocation);
  const client = await invocation.session.client();
  const path = pathIn('data');
  const call =
    version2 && versions.length > 0
      ? client.write(pathIn('delete'), { versions })
      : client.delete(path);
  const secret = await attempt(`Error deleting ${path}`, call);
  if (secret === undefined) {
    return sayInTable(invocation, `Success! Data deleted (if it existed) at: ${path}`);
  }
  return printSecretOrField(invocation, secret);
}
export { deleteVersions as delete };

export async function undelete(invocation: Invocation): Promise<number> {
  return writeVersions(invocation, 'undelete', 'Undelete');
}

export async function destroy(invocation: Invocation): Promise<number> {
  return writeVersions(invocation, 'destroy', 'Destroy');
}

async function writeVersions(
  invocation: Invocation,
  verb: 'undelete' | 'destroy',
  title: string,
): Promise<number> {
  const versions = readVersions(invocation);
  if (versions.length === 0) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `No versions provided, use the "-versions" flag to specify the version to ${verb}.`,
    );
  }
  const { pathIn, version2 } = await findTarget(invocation);
  if (!version2) throw new CommandFailure(EXIT_LOCAL, `${title} not supported on KV Version 1`);
  const path = pathIn(verb);
  const client = await invocation.session.client();
  const secret = await attempt(`Error writing data to ${path}`, client.write(path, { versions }));
  if (secret === undefined) return sayInTable(invocation, `Success! Data written to: ${path}`);
  return printSecret(invocation, secret);
}

/** Numbers from `-versions=1,2 -versions=3`, as the strings the API takes. */
function readVersions(invocation: Invocation): string[] {
  return invocation.flags
    .list('versions')
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
}
