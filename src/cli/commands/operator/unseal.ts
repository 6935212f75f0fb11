/** operator unseal: hands one key share to the server. */
import { attempt, type Invocation } from '../../command.ts';
import { readShare } from '../../key-share.ts';
import { printSealStatus } from '../seal-status.ts';

export async function operatorUnseal(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const client = await invocation.session.client();
  if (flags.boolean('reset')) {
    const status = await attempt(
      'Error resetting unseal process',
      client.object('PUT', 'sys/unseal', { body: { reset: true } }),
    );
    return printSealStatus(invocation, client, status);
  }
  const { key } = await readShare(invocation, 'Unseal Key (will be hidden): ');
  const body = { key, reset: false, migrate: flags.boolean('migrate') };
  const status = await attempt('Error unsealing', client.object('PUT', 'sys/unseal', { body }));
  return printSealStatus(invocation, client, status);
}
