/** policy explain: which rule decides over an operation on a path, and why. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { cleanPath } from '../../paths.ts';
import { formatTable } from '../../render/columns.ts';
import { printObject, say } from '../../render/output.ts';
import { plainText } from '../../render/values.ts';

const OPERATIONS = ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan'];
/** How tokens begin, in every server that speaks this API. */
const TOKEN = /^(?:s|b|r|hvs|hvb|hvr|sbr)\./;

export async function policyExplain(invocation: Invocation): Promise<number> {
  const { args } = invocation;
  const [operationText = '', path = ''] = args.slice(-2);
  const operation = operationText.toLowerCase();
  if (!OPERATIONS.includes(operation)) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `Unknown operation: ${operation} (known are ${OPERATIONS.join(', ')})`,
    );
  }
  const subject = subjectOf(invocation);
  const body: JsonObject = { operation, path: cleanPath(path), ...subject };
  const client = await invocation.session.client();
  const secret = await attempt('Error explaining', client.post('sys/policies/explain', body));
  const data = secret?.data;
  if (data === undefined) throw new CommandFailure(EXIT_SERVER, 'The server explained nothing');
  if (invocation.format === 'table') printExplanation(invocation, data);
  else await printObject(invocation, data);
  return EXIT_OK;
}

/** Whose rights are asked about: nothing means those of the token in use. */
function subjectOf({ args, flags }: Invocation): JsonObject {
  const policies = [...flags.list('policy')];
  let token = flags.text('token');
  const first = args.length > 2 ? (args[0] ?? '') : '';
  if (first !== '' && (policies.length > 0 || token !== '')) {
    throw new CommandFailure(EXIT_LOCAL, 'Give TOKEN-OR-POLICIES, or -policy or -token, not both');
  }
  if (TOKEN.test(first)) token = first;
  else policies.push(...first.split(',').filter((name) => name !== ''));
  if (policies.length > 0 && token !== '') {
    throw new CommandFailure(EXIT_LOCAL, 'Give -policy or -token, not both');
  }
  return { ...(policies.length > 0 && { policies }), ...(token !== '' && { token }) };
}

/** The verdict in a sentence, then every rule that matches, the one that counts first. */
function printExplanation(invocation: Invocation, data: JsonObject): void {
  const verdict = data['allowed'] === true ? 'Allowed' : 'Denied';
  const rule = data['rule'];
  const decided = typeof rule === 'string' ? `, by the rule "${rule}"` : '';
  const policies = namesOf(data['policies']);
  const whose = policies === '' ? '' : ` (${policies})`;
  say(invocation, `${verdict}: ${plainText(data['explanation'] ?? '')}${decided}${whose}`);
  const approvals = data['approvals'];
  for (const each of Array.isArray(approvals) ? approvals.filter(isJsonObject) : []) {
    const count = plainText(each['approvals'] ?? '');
    const groups = [namesOf(each['group_names']), namesOf(each['group_ids'])].filter(
      (names) => names !== '',
    );
    say(
      invocation,
      `Needs ${count} approval(s) of ${groups.join(', ')} (${plainText(each['factor'] ?? '')})`,
    );
  }
  const candidates = data['candidates'];
  const rules = Array.isArray(candidates) ? candidates.filter(isJsonObject) : [];
  if (rules.length === 0) return;
  const rows = rules.map((each, index) => [
    String(index + 1),
    plainText(each['rule'] ?? ''),
    namesOf(each['capabilities']),
    namesOf(each['policies']),
    plainText(each['why'] ?? ''),
  ]);
  say(invocation, `\n${formatTable(['Rank', 'Rule', 'Capabilities', 'Policies', 'Why'], rows)}`);
}

/** Names, or objects that name a policy, in one cell. */
function namesOf(value: JsonValue | undefined): string {
  const items = Array.isArray(value) ? value : [];
  return items
    .map((item) => plainText(isJsonObject(item) ? (item['policy'] ?? '') : item))
    .join(', ');
}
