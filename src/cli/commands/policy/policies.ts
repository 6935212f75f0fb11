/** policy list, read, write, delete. */
import { readFile } from 'node:fs/promises';
import { attempt, CommandFailure, EXIT_OK, EXIT_SERVER, type Invocation } from '../../command.ts';
import { whyNotOpened } from '../../open-file.ts';
import { listKeys, printDocument, say } from '../../render/output.ts';
import { warn } from '../../terminal.ts';

const FOLDER = 'sys/policies/acl';

export async function list(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const names = listKeys(await attempt('Error listing policies', client.list(FOLDER))) ?? [];
  if (invocation.format !== 'table') return printDocument(invocation, names);
  for (const name of names) say(invocation, name);
  return EXIT_OK;
}

export async function read(invocation: Invocation): Promise<number> {
  const name = (invocation.args[0] ?? '').trim().toLowerCase();
  const client = await invocation.session.client();
  const secret = await attempt(
    `Error reading policy named ${name}`,
    client.read(`${FOLDER}/${name}`),
  );
  const rules = secret?.data?.['policy'];
  if (typeof rules !== 'string' || rules === '') {
    throw new CommandFailure(EXIT_SERVER, `No policy named: ${name}`);
  }
  if (invocation.format !== 'table') return printDocument(invocation, { policy: rules });
  say(invocation, rules.trim());
  return EXIT_OK;
}

export async function write(invocation: Invocation): Promise<number> {
  const given = invocation.args[0] ?? '';
  // The server keeps policies under their names in small letters.
  const name = given.toLowerCase().trim();
  const path = (invocation.args[1] ?? '').trim();
  const client = await invocation.session.client();
  const rules =
    path === '-'
      ? await attempt('Error reading policy', invocation.terminal.readInput())
      : await attempt('Error opening policy file', openPolicy(path));
  await attempt('Error uploading policy', client.write(`${FOLDER}/${name}`, { policy: rules }));
  if (given !== name) {
    warn(invocation.terminal, `Policy name was converted from "${given}" to "${name}"`);
  }
  say(invocation, `Success! Uploaded policy: ${name}`);
  return EXIT_OK;
}

async function openPolicy(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(whyNotOpened(path, cause), { cause });
  }
}

async function deletePolicy(invocation: Invocation): Promise<number> {
  const name = (invocation.args[0] ?? '').toLowerCase().trim();
  const client = await invocation.session.client();
  await attempt(`Error deleting ${name}`, client.delete(`${FOLDER}/${name}`));
  say(invocation, `Success! Deleted policy: ${name}`);
  return EXIT_OK;
}
export { deletePolicy as delete };
