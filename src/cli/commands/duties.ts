/** role activate, list, approve, end; approval list, show, give, deny; environment except. */
import { isJsonObject, type JsonObject } from '../../client/json.ts';
import { attempt, CommandFailure, EXIT_OK, EXIT_SERVER, type Invocation } from '../command.ts';
import { formatTable } from '../render/columns.ts';
import { printDocument, printSecretOrField, say } from '../render/output.ts';
import { compareBytes, plainText, shortDuration } from '../render/values.ts';
import { wholeSeconds } from './token.ts';

async function write(
  invocation: Invocation,
  problem: string,
  path: string,
  body: JsonObject,
): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt(problem, client.write(path, body));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, 'The server answered nothing');
  return printSecretOrField(invocation, secret);
}

function argument({ args }: Invocation): string {
  return (args[0] ?? '').trim();
}

/** `reason`, and `ttl` where one was given. */
function because({ flags }: Invocation): JsonObject {
  const ttl = flags.durationMs('ttl');
  return { reason: flags.text('reason'), ...(ttl !== 0 && { ttl: wholeSeconds(ttl) }) };
}

export async function activate(invocation: Invocation): Promise<number> {
  const path = `identity/role/${argument(invocation)}/activate`;
  return write(invocation, 'Error activating the role', path, because(invocation));
}

export async function approve(invocation: Invocation): Promise<number> {
  const path = `identity/activation/${argument(invocation)}/approve`;
  return write(invocation, 'Error approving the activation', path, {});
}

/** What an activation is known by; a role's name could only look so on purpose. */
const ACTIVATION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export async function end(invocation: Invocation): Promise<number> {
  const named = argument(invocation);
  const client = await invocation.session.client();
  const ended = ACTIVATION_ID.test(named)
    ? client.delete(`identity/activation/${named}`)
    : client.write(`identity/role/${named}/deactivate`, {});
  await attempt('Error ending the activation', ended);
  say(invocation, `Success! Ended the activation: ${named}`);
  return EXIT_OK;
}

function field(info: unknown, name: string): string {
  return plainText(isJsonObject(info) ? info[name] : '');
}

/** The caller's roles, in one line each. */
export async function roles(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt('Error listing roles', client.list('identity/eligible'));
  const infos = secret?.data?.['key_info'];
  if (invocation.format !== 'table') {
    await printDocument(invocation, isJsonObject(infos) ? infos : {});
    return EXIT_OK;
  }
  if (!isJsonObject(infos)) {
    say(invocation, 'There is no role that you may activate.');
    return EXIT_OK;
  }
  const rows = Object.entries(infos).map(([name, info]) => [
    name,
    field(info, 'status'),
    field(info, 'expire_time'),
    shortDuration(Number(field(info, 'max_ttl'))),
    field(info, 'approvals'),
    field(info, 'description'),
  ]);
  const header = ['Role', 'Status', 'Until', 'Longest', 'Approvals', 'Description'];
  say(invocation, formatTable(header, rows));
  return EXIT_OK;
}

/** What waits, in one line each: for the caller first. */
export async function list(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt('Error listing what waits', client.list('sys/approvals'));
  const infos = secret?.data?.['key_info'];
  if (invocation.format !== 'table') {
    await printDocument(invocation, isJsonObject(infos) ? infos : {});
    return EXIT_OK;
  }
  if (!isJsonObject(infos)) {
    say(invocation, 'Nothing waits.');
    return EXIT_OK;
  }
  const rows = Object.entries(infos).map(([id, info]) => {
    const of = (name: string): string => field(info, name);
    const yours = of('may_approve') === 'true' ? 'yes' : 'no';
    const what = `${of('operation')} ${of('path')}`;
    const names = isJsonObject(info) ? info['entity_aliases'] : undefined;
    const asker =
      Array.isArray(names) && names.length > 0
        ? names.map(plainText).join(', ')
        : of('entity_name');
    return [id, yours, of('status'), asker, what, of('reason'), of('expire_time')];
  });
  rows.sort((left, right) => compareBytes(right[1] ?? '', left[1] ?? ''));
  const header = ['ID', 'For you', 'Status', 'Asked by', 'What', 'Reason', 'Until'];
  say(invocation, formatTable(header, rows));
  return EXIT_OK;
}

function approval(invocation: Invocation, action = ''): string {
  return `sys/approvals/${argument(invocation)}${action}`;
}

export async function show(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt('Error reading what waits', client.get(approval(invocation)));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, 'The server answered nothing');
  return printSecretOrField(invocation, secret);
}

export async function give(invocation: Invocation): Promise<number> {
  return write(invocation, 'Error approving', approval(invocation, '/approve'), {});
}

export async function deny(invocation: Invocation): Promise<number> {
  const body = { reason: invocation.flags.text('reason') };
  return write(invocation, 'Error denying', approval(invocation, '/deny'), body);
}

export async function except(invocation: Invocation): Promise<number> {
  const [identity = '', environment = ''] = invocation.args;
  const body = { identity, environment, ...because(invocation) };
  return write(invocation, 'Error making the exception', 'sys/environments/exceptions', body);
}
