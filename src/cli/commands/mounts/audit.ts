/** audit list, enable, disable. */
import { isJsonObject, type JsonObject } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { asStrings, readPairs } from '../../key-values.ts';
import { cleanPath, withTrailingSlash } from '../../paths.ts';
import { formatTable } from '../../render/columns.ts';
import { printObject, say } from '../../render/output.ts';
import { plainText, sortedKeys } from '../../render/values.ts';

export async function list(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt('Error listing audits', client.get('sys/audit'));
  const devices = secret?.data ?? {};
  if (invocation.format !== 'table') return printObject(invocation, devices);
  const paths = sortedKeys(devices);
  if (paths.length === 0) {
    say(invocation, 'No audit devices are enabled.');
    return EXIT_SERVER;
  }
  const detailed = invocation.flags.boolean('detailed');
  const titles = ['Path', 'Type', 'Description', ...(detailed ? ['Replication', 'Options'] : [])];
  const rows = paths.map((path) => {
    const device = devices[path];
    return isJsonObject(device) ? deviceCells(path, device, detailed) : [path];
  });
  say(invocation, formatTable(titles, rows));
  return EXIT_OK;
}

function deviceCells(path: string, device: JsonObject, detailed: boolean): string[] {
  const cells = [path, plainText(device['type'] ?? ''), plainText(device['description'] ?? '')];
  if (!detailed) return cells;
  const options = isJsonObject(device['options']) ? device['options'] : {};
  cells.push(device['local'] === true ? 'local' : 'replicated');
  cells.push(
    sortedKeys(options)
      .map((key) => `${key}=${plainText(options[key])}`)
      .join(' '),
  );
  return cells;
}

export async function enable(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const type = (args[0] ?? '').trim();
  if (type === '') {
    throw new CommandFailure(
      EXIT_LOCAL,
      "Error enabling audit device: audit type missing. Valid types include 'file', 'socket' and 'syslog'.",
    );
  }
  const path = withTrailingSlash(flags.text('path') || type);
  const options = asStrings(await readPairs(invocation, args.slice(1)));
  const client = await invocation.session.client();
  const body: JsonObject = {
    type,
    description: flags.text('description'),
    options,
    local: flags.boolean('local'),
  };
  await attempt('Error enabling audit device', client.write(`sys/audit/${cleanPath(path)}`, body));
  say(invocation, `Success! Enabled the ${type} audit device at: ${path}`);
  return EXIT_OK;
}

export async function disable(invocation: Invocation): Promise<number> {
  const path = withTrailingSlash(cleanPath(invocation.args[0] ?? ''));
  const client = await invocation.session.client();
  await attempt('Error disabling audit device', client.delete(`sys/audit/${cleanPath(path)}`));
  say(invocation, `Success! Disabled audit device (if it was enabled) at: ${path}`);
  return EXIT_OK;
}
