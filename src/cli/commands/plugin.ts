/** plugin list, info, register, deregister, reload, and version-history: what the server says of its parts and of itself. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../command.ts';
import { formatTable } from '../render/columns.ts';
import { printDocument, printObject, printSecret, say } from '../render/output.ts';
import { plainText } from '../render/values.ts';

const CATALOG = 'sys/plugins/catalog';
const KINDS = ['auth', 'database', 'secret'] as const;

export async function list(invocation: Invocation): Promise<number> {
  const kind = kindOf(invocation.args[0] ?? '');
  const client = await invocation.session.client();
  const secret = await attempt('Error listing available plugins', client.read(CATALOG));
  const data = secret?.data ?? {};
  const details = objectsIn(data['detailed']).filter(
    (row) => kind === undefined || row['type'] === kind,
  );
  if (invocation.format !== 'table') {
    const names = Object.fromEntries(
      KINDS.filter((each) => kind === undefined || each === kind).map((each) => [
        each,
        data[each] ?? [],
      ]),
    );
    return printDocument(invocation, { ...names, details }, true);
  }
  const columns = kind === undefined ? ['Name', 'Type', 'Version'] : ['Name', 'Version'];
  const rows = details.map((row) =>
    columns.map((column) => plainText(row[column.toLowerCase()] ?? '')),
  );
  say(invocation, formatTable(columns, rows));
  return EXIT_OK;
}

export async function info(invocation: Invocation): Promise<number> {
  const { kind, name } = plugin(invocation);
  const client = await invocation.session.client();
  const secret = await attempt(
    `Error reading plugin named ${name}`,
    client.get(`${CATALOG}/${kind}/${name}`),
  );
  const { args, ...data } = secret?.data ?? {};
  const shown = ['builtin', 'command', 'deprecation_status', 'name', 'sha256', 'version'];
  const picked = Object.fromEntries(shown.map((key) => [key, data[key] ?? '']));
  const field = invocation.flags.text('field');
  if (field !== '') {
    const value = { args: args ?? [], ...picked }[field];
    if (value === undefined) {
      throw new CommandFailure(EXIT_LOCAL, `Field "${field}" not present in secret`);
    }
    say(invocation, plainText(value));
    return EXIT_OK;
  }
  return printObject(invocation, { args: args ?? [], ...picked });
}

export async function register(invocation: Invocation): Promise<number> {
  const { kind, name } = plugin(invocation);
  const { flags } = invocation;
  const body: JsonObject = {
    type: kind,
    command: flags.text('command') || name,
    sha256: flags.text('sha256'),
    args: flags.list('args').slice(),
    version: flags.text('version'),
  };
  const client = await invocation.session.client();
  await attempt(
    `Error registering plugin ${name}`,
    client.write(`${CATALOG}/${kind}/${name}`, body),
  );
  say(invocation, `Success! Registered plugin: ${name}`);
  return EXIT_OK;
}

export async function deregister(invocation: Invocation): Promise<number> {
  const { kind, name } = plugin(invocation);
  const client = await invocation.session.client();
  await attempt(
    `Error deregistering plugin named ${name}`,
    client.delete(`${CATALOG}/${kind}/${name}`),
  );
  say(invocation, `Success! Deregistered plugin (if it was registered): ${name}`);
  return EXIT_OK;
}

export async function reload(invocation: Invocation): Promise<number> {
  const name = invocation.flags.text('plugin');
  const mounts = invocation.flags.list('mounts');
  if (name === '' && mounts.length === 0) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'No plugins specified, must specify exactly one of -plugin or -mounts',
    );
  }
  if (name !== '' && mounts.length > 0) {
    throw new CommandFailure(EXIT_LOCAL, 'Must specify exactly one of -plugin or -mounts');
  }
  const client = await invocation.session.client();
  await attempt(
    'Error reloading plugin/mounts',
    client.write('sys/plugins/reload/backend', { plugin: name, mounts: [...mounts] }),
  );
  const what = name === '' ? `mounts: [${mounts.join(' ')}]` : `plugin: ${name}`;
  say(invocation, `Success! Reloaded ${what}`);
  return EXIT_OK;
}

export async function versionHistory(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt('Error listing version history', client.list('sys/version-history'));
  if (secret === undefined)
    throw new CommandFailure(EXIT_SERVER, 'Could not read the version history');
  if (invocation.format !== 'table') return printSecret(invocation, secret);
  const known = secret.data?.['key_info'];
  const keys = Array.isArray(secret.data?.['keys']) ? secret.data['keys'].map(plainText) : [];
  const rows = keys.map((key) => {
    const row = isJsonObject(known) ? known[key] : undefined;
    const cell = (name: string): string => (isJsonObject(row) ? plainText(row[name] ?? '') : '');
    return [key, cell('timestamp_installed'), cell('build_date')];
  });
  say(invocation, formatTable(['Version', 'Installation Time', 'Build Date'], rows));
  return EXIT_OK;
}

function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** `secret`, `secrets`: both are written. */
function kindOf(text: string): (typeof KINDS)[number] | undefined {
  const name = text.trim().toLowerCase();
  if (name === '' || name === 'unknown') return undefined;
  const kind = KINDS.find((each) => each === name || (each === 'secret' && name === 'secrets'));
  if (kind === undefined) {
    throw new CommandFailure(EXIT_SERVER, `"${text}" is not a supported plugin type`);
  }
  return kind;
}

/** `TYPE NAME`, or in the old form the name alone. */
function plugin({ args }: Invocation): { kind: string; name: string } {
  const [first = '', second] = args;
  if (second === undefined) return { kind: 'unknown', name: first.trim() };
  return { kind: kindOf(first) ?? 'unknown', name: second.trim() };
}
