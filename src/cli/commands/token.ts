/** token create, lookup, renew, revoke, capabilities. */
import type { Client } from '../../client/client.ts';
import type { JsonObject, JsonValue } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../command.ts';
import { printDocument, printSecret, printSecretOrField, say } from '../render/output.ts';
import { compareBytes, longDuration, plainText } from '../render/values.ts';

export async function create(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const type = flags.text('type') || 'service';
  const policies = flags.list('policy');
  const metadata = flags.map('metadata');
  const id = flags.text('id');
  const body: JsonObject = {
    ...(id !== '' && { id }),
    ...(policies.length > 0 && { policies }),
    ...(metadata.size > 0 && { meta: Object.fromEntries(metadata) }),
    ttl: longDuration(flags.durationMs('ttl')),
    explicit_max_ttl: longDuration(flags.durationMs('explicit-max-ttl')),
    period: longDuration(flags.durationMs('period')),
    ...(flags.boolean('orphan') && { no_parent: true }),
    ...(flags.boolean('no-default-policy') && { no_default_policy: true }),
    display_name: flags.text('display-name'),
    num_uses: flags.integer('use-limit', 0),
    // A batch token lives in no store, so there is nothing to renew.
    renewable: type === 'batch' ? false : flags.boolean('renewable', true),
    type,
    entity_alias: flags.text('entity-alias'),
  };
  const role = flags.text('role');
  const path = role === '' ? 'auth/token/create' : `auth/token/create/${role}`;
  const client = await invocation.session.client();
  return printAnswer(invocation, 'Error creating token', client.post(path, body));
}

export async function lookup(invocation: Invocation): Promise<number> {
  const token = (invocation.args[0] ?? '').trim();
  const byAccessor = invocation.flags.boolean('accessor');
  if (byAccessor && invocation.args.length < 1) {
    throw new CommandFailure(EXIT_LOCAL, 'Not enough arguments with -accessor (expected 1, got 0)');
  }
  const client = await invocation.session.client();
  return printAnswer(invocation, 'Error looking up token', lookUp(client, token, byAccessor));
}

function lookUp(client: Client, token: string, byAccessor: boolean): Promise<Secret | undefined> {
  if (token === '') return client.get('auth/token/lookup-self');
  return byAccessor
    ? client.post('auth/token/lookup-accessor', { accessor: token })
    : client.post('auth/token/lookup', { token });
}

export async function renew(invocation: Invocation): Promise<number> {
  const token = (invocation.args[0] ?? '').trim();
  const increment = wholeSeconds(invocation.flags.durationMs('increment'));
  const client = await invocation.session.client();
  const call =
    token === ''
      ? client.write('auth/token/renew-self', { increment })
      : invocation.flags.boolean('accessor')
        ? client.post('auth/token/renew-accessor', { accessor: token, increment })
        : client.write('auth/token/renew', { token, increment });
  return printAnswer(invocation, 'Error renewing token', call);
}

/** Whole seconds; less than one is none. */
export function wholeSeconds(milliseconds: number): number {
  return milliseconds < 1_000 ? 0 : Math.floor(milliseconds / 1_000);
}

export async function revoke(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const self = flags.boolean('self');
  const byAccessor = flags.boolean('accessor');
  const mode = flags.text('mode');
  const wrong = revokeMistake(args.length, self, byAccessor, mode);
  if (wrong !== undefined) throw new CommandFailure(EXIT_LOCAL, wrong);
  const token = (args[0] ?? '').trim();
  const client = await invocation.session.client();
  await attempt('Error revoking token', revokeCall(client, token, self, byAccessor, mode));
  say(invocation, 'Success! Revoked token (if it existed)');
  return EXIT_OK;
}

function revokeMistake(
  count: number,
  self: boolean,
  byAccessor: boolean,
  mode: string,
): string | undefined {
  if (!['', 'orphan', 'path'].includes(mode)) return `Invalid mode: ${mode}`;
  if (self && count > 0) return `Too many arguments with -self (expected 0, got ${count})`;
  if (!self && count > 1) return `Too many arguments (expected 1 or -self, got ${count})`;
  if (!self && count < 1) return `Not enough arguments (expected 1 or -self, got ${count})`;
  if (self && byAccessor) return 'Cannot use -self with -accessor!';
  if (self && mode !== '') return 'Cannot use -self with -mode!';
  if (byAccessor && mode !== '') return `Cannot use -accessor with -mode=${mode}!`;
  return undefined;
}

function revokeCall(
  client: Client,
  token: string,
  self: boolean,
  byAccessor: boolean,
  mode: string,
): Promise<unknown> {
  if (self) return client.request('PUT', 'auth/token/revoke-self');
  if (mode === 'orphan') return client.write('auth/token/revoke-orphan', { token });
  if (mode === 'path') return client.request('PUT', `sys/leases/revoke-prefix/${token}`);
  if (byAccessor) return client.post('auth/token/revoke-accessor', { accessor: token });
  return client.write('auth/token/revoke', { token });
}

export async function capabilities(invocation: Invocation): Promise<number> {
  const { args } = invocation;
  const path = args.at(-1) ?? '';
  const client = await invocation.session.client();
  const token = args.length === 2 ? (args[0] ?? '') : client.token;
  const where = token === client.token ? 'sys/capabilities-self' : 'sys/capabilities';
  const secret = await attempt('Error listing capabilities', client.post(where, { token, path }));
  const found: JsonValue | undefined = secret?.data?.[path] ?? secret?.data?.['capabilities'];
  if (!Array.isArray(found)) throw new CommandFailure(EXIT_LOCAL, 'No capabilities found');
  if (invocation.format !== 'table') return printDocument(invocation, found);
  say(invocation, found.map(plainText).sort(compareBytes).join(', '));
  return EXIT_OK;
}

async function printAnswer(
  invocation: Invocation,
  context: string,
  call: Promise<Secret | undefined>,
): Promise<number> {
  const secret = await attempt(context, call);
  if (secret === undefined)
    throw new CommandFailure(EXIT_SERVER, `${context}: the answer is empty`);
  return invocation.flags.declares('field')
    ? printSecretOrField(invocation, secret)
    : printSecret(invocation, secret);
}
