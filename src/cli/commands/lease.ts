/** lease lookup, renew, revoke. */
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../command.ts';
import { printSecret, say } from '../render/output.ts';
import { warn } from '../terminal.ts';
import { wholeSeconds } from './token.ts';

export async function lookup(invocation: Invocation): Promise<number> {
  const id = leaseId(invocation);
  const client = await invocation.session.client();
  const secret = await attempt(
    `error looking up lease id ${id}`,
    client.write('sys/leases/lookup', { lease_id: id }),
  );
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No lease found: ${id}`);
  return printSecret(invocation, secret);
}

export async function renew(invocation: Invocation): Promise<number> {
  const id = leaseId(invocation);
  const increment = wholeSeconds(invocation.flags.durationMs('increment'));
  const client = await invocation.session.client();
  const secret = await attempt(
    `Error renewing ${id}`,
    client.write('sys/leases/renew', { increment, lease_id: id }),
  );
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No lease found: ${id}`);
  return printSecret(invocation, secret);
}

function leaseId(invocation: Invocation): string {
  const id = (invocation.args[0] ?? '').trim();
  if (invocation.args.length === 0) throw new CommandFailure(EXIT_LOCAL, 'Missing ID!');
  return id;
}

export async function revoke(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const id = (invocation.args[0] ?? '').trim();
  const force = flags.boolean('force');
  const prefix = flags.boolean('prefix');
  const sync = flags.boolean('sync');
  if (force && !prefix) {
    throw new CommandFailure(EXIT_LOCAL, 'Specifying -force requires also specifying -prefix');
  }
  const client = await invocation.session.client();
  if (force) {
    warn(
      invocation.terminal,
      'Warning! A forced removal forgets the leases but may leave their secrets working.',
    );
  }
  const verb = force ? 'revoke-force' : prefix ? 'revoke-prefix' : 'revoke';
  const what = force
    ? `force revoking leases with prefix ${id}`
    : prefix
      ? `revoking leases with prefix ${id}`
      : `revoking lease ${id}`;
  const call = client.request('PUT', `sys/leases/${verb}/${id}`, force ? {} : { body: { sync } });
  await attempt(`Error ${what}`, call);
  say(invocation, revoked(id, force, prefix, sync));
  return EXIT_OK;
}

function revoked(id: string, force: boolean, prefix: boolean, sync: boolean): string {
  if (force) return `Success! Force revoked any leases with prefix: ${id}`;
  if (!sync) return 'All revocation operations queued successfully!';
  return prefix
    ? `Success! Revoked any leases with prefix: ${id}`
    : `Success! Revoked lease: ${id}`;
}
