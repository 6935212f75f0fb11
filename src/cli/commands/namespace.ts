/** namespace create, delete, list, scan, lookup, patch, lock, unlock. */
import { ApiError } from '../../client/errors.ts';
import type { JsonObject } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import { attempt, CommandFailure, EXIT_OK, EXIT_SERVER, type Invocation } from '../command.ts';
import { cleanPath, withTrailingSlash } from '../paths.ts';
import {
  listKeys,
  printDocument,
  printList,
  printObject,
  printSecret,
  printSecretOrField,
  say,
} from '../render/output.ts';
import { plainText } from '../render/values.ts';
import { warn } from '../terminal.ts';

const FOLDER = 'sys/namespaces';

export async function create(invocation: Invocation): Promise<number> {
  const path = (invocation.args[0] ?? '').trim();
  const body = { custom_metadata: Object.fromEntries(invocation.flags.map('custom-metadata')) };
  const client = await invocation.session.client();
  const secret = await attempt('Error creating namespace', client.write(`${FOLDER}/${path}`, body));
  return secret === undefined ? EXIT_OK : printSecretOrField(invocation, secret);
}

async function deleteNamespace(invocation: Invocation): Promise<number> {
  const path = (invocation.args[0] ?? '').trim();
  const client = await invocation.session.client();
  const secret = await attempt('Error deleting namespace', client.delete(`${FOLDER}/${path}`));
  if (secret !== undefined) return printSecret(invocation, secret);
  say(invocation, `Success! Namespace deleted at: ${withTrailingSlash(path)}`);
  return EXIT_OK;
}
export { deleteNamespace as delete };

export async function list(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  return printNamespaces(
    invocation,
    await attempt('Error listing namespaces', client.list(FOLDER)),
  );
}

export async function scan(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  return printNamespaces(
    invocation,
    await attempt('Error scanning namespaces', client.scan(FOLDER)),
  );
}

async function printNamespaces(
  invocation: Invocation,
  secret: Secret | undefined,
): Promise<number> {
  const keys = listKeys(secret);
  if (invocation.format !== 'table' && keys === undefined) {
    await printDocument(invocation, {});
    return EXIT_SERVER;
  }
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, 'No namespaces found');
  if (secret.data === undefined || secret.wrapInfo !== undefined) {
    return printSecret(invocation, secret);
  }
  if (keys === undefined) throw new CommandFailure(EXIT_SERVER, 'No entries found');
  if (invocation.format !== 'table' && invocation.flags.boolean('detailed')) {
    return printDocument(invocation, secret.data['key_info'] ?? {}, true);
  }
  return printList(invocation, secret);
}

export async function lookup(invocation: Invocation): Promise<number> {
  const path = (invocation.args[0] ?? '').trim();
  const client = await invocation.session.client();
  const secret = await attempt('Error looking up namespace', client.read(`${FOLDER}/${path}`));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, 'Namespace not found');
  return printSecret(invocation, secret);
}

export async function patch(invocation: Invocation): Promise<number> {
  const path = (invocation.args[0] ?? '').trim();
  const notes: JsonObject = Object.fromEntries(invocation.flags.map('custom-metadata'));
  // A null in a merge patch removes the note (RFC 7396 §2).
  for (const key of invocation.flags.list('remove-custom-metadata')) notes[key] = null;
  const client = await invocation.session.client();
  const call = client
    .patch(`${FOLDER}/${path}`, { custom_metadata: notes })
    .catch((cause: unknown) => {
      if (cause instanceof ApiError && cause.status === 404) {
        throw new CommandFailure(EXIT_SERVER, 'Namespace not found');
      }
      throw cause;
    });
  const secret = await attempt('Error patching namespace', call);
  return secret === undefined ? EXIT_OK : printSecretOrField(invocation, secret);
}

export async function lock(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const call = client.write(`${FOLDER}/api-lock/lock${childPath(invocation)}`, {});
  const secret = await attempt('Error locking namespace', call);
  const data = secret?.data ?? {};
  if (invocation.format !== 'table') return printObject(invocation, data);
  say(invocation, `Unlock Key: ${plainText(data['unlock_key'] ?? '')}`);
  say(
    invocation,
    '\nNamespace is now locked. Keep the unlock key: without it, unlocking takes the sudo capability.',
  );
  return EXIT_OK;
}

export async function unlock(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const body = { unlock_key: invocation.flags.text('unlock-key') };
  const call = client.write(`${FOLDER}/api-lock/unlock${childPath(invocation)}`, body);
  const secret = await attempt('Error unlocking namespace', call);
  const warning = secret?.warnings?.[0];
  if (warning === undefined) say(invocation, 'Namespace unlocked successfully!');
  else warn(invocation.terminal, warning);
  return EXIT_OK;
}

function childPath(invocation: Invocation): string {
  const child = cleanPath(invocation.args[0] ?? '');
  return child === '' ? '' : `/${child}/`;
}
