/** kv get, put, list, scan, rollback, enable-versioning. */
import { isJsonObject } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { readPairs } from '../../key-values.ts';
import { cleanPath, withTrailingSlash } from '../../paths.ts';
import {
  printField,
  printSecret,
  printSecretOrField,
  printWarnings,
  say,
  sayInTable,
} from '../../render/output.ts';
import { secretField } from '../../render/secret.ts';
import { printListing } from '../data.ts';
import { warnOfLostFields } from './lost-fields.ts';
import { findTarget, readVersion, storedVersion } from './path.ts';
import { printNewVersion, printPath, printSection } from './output.ts';
import type { Secret } from '../../../client/secret.ts';

export async function get(invocation: Invocation): Promise<number> {
  const { version2, pathIn } = await findTarget(invocation);
  const path = pathIn('data');
  const version = version2 ? invocation.flags.integer('version', 0) : 0;
  const client = await invocation.session.client();
  const secret = await attempt(`Error reading ${path}`, readVersion(client, path, version));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  const field = invocation.flags.text('field');
  if (field !== '') return printKvField(invocation, secret, field, path, version2);
  if (secret.wrapInfo !== undefined || invocation.format !== 'table') {
    return printSecret(invocation, secret);
  }
  printWarnings(invocation, secret);
  if (version2) printPath(invocation, 'Secret Path', path);
  const metadata = secret.data?.['metadata'];
  if (isJsonObject(metadata)) {
    await printSection(invocation, 'Metadata', metadata);
    say(invocation, '');
  }
  const data = version2 ? secret.data?.['data'] : secret.data;
  if (isJsonObject(data)) await printSection(invocation, 'Data', data);
  return EXIT_OK;
}

async function printKvField(
  invocation: Invocation,
  secret: Secret,
  field: string,
  path: string,
  version2: boolean,
): Promise<number> {
  if (!version2) return printField(invocation, secretField(secret, field), field);
  const data = secret.data?.['data'];
  if (!isJsonObject(data)) throw new CommandFailure(EXIT_SERVER, `No data found at ${path}`);
  // A key named "data" wins; without one the word means all the data.
  if (field === 'data' && data['data'] === undefined) return printField(invocation, data, field);
  return printField(invocation, data[field], field);
}

export async function put(invocation: Invocation): Promise<number> {
  if (invocation.args.length === 1) throw new CommandFailure(EXIT_LOCAL, 'Must supply data');
  const data = await readPairs(invocation, invocation.args.slice(1));
  const target = await findTarget(invocation);
  const { version2 } = target;
  const path = target.pathIn('data');
  const cas = invocation.flags.integer('cas', -1);
  const body = version2 ? { data, options: cas > -1 ? { cas } : {} } : data;
  const client = await invocation.session.client();
  const secret = await attempt(`Error writing data to ${path}`, client.write(path, body));
  const exitCode = await printNewVersion(invocation, path, secret);
  await warnOfLostFields(invocation, target, secret, Object.keys(data));
  return exitCode;
}

export async function list(invocation: Invocation): Promise<number> {
  assertPlace(invocation);
  const path = (await findTarget(invocation)).pathIn('metadata');
  const client = await invocation.session.client();
  const secret = await attempt(`Error listing ${path}`, client.list(path));
  return printListing(invocation, path, secret);
}

export async function scan(invocation: Invocation): Promise<number> {
  assertPlace(invocation);
  const path = (await findTarget(invocation)).pathIn('metadata');
  const client = await invocation.session.client();
  const secret = await attempt(`Error scanning ${path}`, client.scan(path));
  return printListing(invocation, path, secret);
}

function assertPlace(invocation: Invocation): void {
  if (invocation.args.length === 0 && invocation.flags.text('mount') === '') {
    throw new CommandFailure(EXIT_LOCAL, 'Not enough arguments (expected 1, got 0)');
  }
}

export async function rollback(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  if (args.length !== 1) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `Invalid number of arguments (expected 1, got ${args.length})`,
    );
  }
  if (!flags.isSet('version'))
    throw new CommandFailure(EXIT_LOCAL, 'Version flag must be specified');
  const version = flags.integer('version', 0);
  if (version <= 0) {
    throw new CommandFailure(EXIT_LOCAL, `Invalid value ${version} for the version flag`);
  }
  const { version2, pathIn } = await findTarget(invocation);
  if (!version2) {
    throw new CommandFailure(
      EXIT_SERVER,
      'K/V engine mount must be version 2 for rollback support',
    );
  }
  const path = pathIn('data');
  const reader = await invocation.session.preflight();
  const preRead = `Error doing pre-read at ${path}`;
  const current = await attempt(preRead, readVersion(reader, path, 0));
  const metadata = current?.data?.['metadata'];
  if (current?.data === undefined)
    throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  if (!isJsonObject(metadata)) {
    throw new CommandFailure(
      EXIT_SERVER,
      `No metadata found at ${path}; rollback only works on existing data`,
    );
  }
  const wanted = await attempt(preRead, readVersion(reader, path, version));
  const { data } = storedVersion(wanted, path, 'rollback');
  const body = { data, options: { cas: metadata['version'] ?? 0 } };
  const client = await invocation.session.client();
  const secret = await attempt(`Error writing data to ${path}`, client.write(path, body));
  if (secret === undefined) return sayInTable(invocation, `Success! Data written to: ${path}`);
  return printSecretOrField(invocation, secret);
}

export async function enableVersioning(invocation: Invocation): Promise<number> {
  const mount = withTrailingSlash(cleanPath(invocation.args[0] ?? ''));
  const client = await invocation.session.client();
  await attempt(
    `Error tuning secrets engine ${mount}`,
    client.write(`sys/mounts/${mount}tune`, { options: { version: '2' } }),
  );
  say(invocation, `Success! Tuned the secrets engine at: ${mount}`);
  return EXIT_OK;
}
