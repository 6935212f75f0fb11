/** role activate, approve, end; approval show, give; environment except. */
import type { JsonObject } from '../../client/json.ts';
import { attempt, CommandFailure, EXIT_OK, EXIT_SERVER, type Invocation } from '../command.ts';
import { printSecretOrField, say } from '../render/output.ts';
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

export async function end(invocation: Invocation): Promise<number> {
  const id = argument(invocation);
  const client = await invocation.session.client();
  await attempt('Error ending the activation', client.delete(`identity/activation/${id}`));
  say(invocation, `Success! Ended the activation: ${id}`);
  return EXIT_OK;
}

export async function show(invocation: Invocation): Promise<number> {
  const body = { accessor: argument(invocation) };
  return write(invocation, 'Error reading the request', 'sys/control-group/request', body);
}

export async function give(invocation: Invocation): Promise<number> {
  const body = { accessor: argument(invocation) };
  return write(invocation, 'Error approving the request', 'sys/control-group/authorize', body);
}

export async function except(invocation: Invocation): Promise<number> {
  const [identity = '', environment = ''] = invocation.args;
  const body = { identity, environment, ...because(invocation) };
  return write(invocation, 'Error making the exception', 'sys/environments/exceptions', body);
}
