/** policy explain: which rules decide over an operation on a path. */
import { isJsonObject, type JsonObject } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { cleanPath } from '../../paths.ts';
import { formatColumns, formatTable } from '../../render/columns.ts';
import { printObject, say } from '../../render/output.ts';
import { plainText, sortedKeys } from '../../render/values.ts';

const OPERATIONS = ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan'];

export async function policyExplain(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const operation = (args[0] ?? '').toLowerCase();
  if (!OPERATIONS.includes(operation)) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `Unknown operation: ${operation} (known are ${OPERATIONS.join(', ')})`,
    );
  }
  const policies = flags.list('policy');
  const token = flags.text('token');
  if (policies.length > 0 && token !== '') {
    throw new CommandFailure(EXIT_LOCAL, 'Give -policy or -token, not both');
  }
  const body: JsonObject = {
    operation,
    path: cleanPath(args[1] ?? ''),
    ...(policies.length > 0 && { policies }),
    ...(token !== '' && { token }),
  };
  const client = await invocation.session.client();
  const secret = await attempt('Error explaining', client.post('sys/policies/explain', body));
  const data = secret?.data;
  if (data === undefined) throw new CommandFailure(EXIT_SERVER, 'The server explained nothing');
  if (invocation.format !== 'table') return printObject(invocation, data);
  printExplanation(invocation, data);
  return EXIT_OK;
}

/** Plain facts as rows; lists of rules as tables of their own. */
function printExplanation(invocation: Invocation, data: JsonObject): void {
  const facts: string[][] = [];
  const tables: string[] = [];
  for (const key of sortedKeys(data)) {
    const value = data[key];
    const rules = Array.isArray(value) ? value.filter(isJsonObject) : [];
    if (rules.length === 0) facts.push([key, plainText(value)]);
    else {
      const columns = [...new Set(rules.flatMap(sortedKeys))];
      const rows = rules.map((rule) => columns.map((column) => plainText(rule[column] ?? '')));
      tables.push(`${key}:\n${formatTable(columns, rows)}`);
    }
  }
  say(invocation, [formatColumns(facts), ...tables].join('\n\n'));
}
