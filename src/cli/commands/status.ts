/** status: seal and high-availability state. */
import { attempt, EXIT_LOCAL, EXIT_OK, EXIT_SERVER, type Invocation } from '../command.ts';
import { printSealStatus } from './seal-status.ts';

export async function status(invocation: Invocation): Promise<number> {
  // The seal is one for all namespaces, and a sealed server knows none of them.
  const client = (await invocation.session.client()).with({ namespace: undefined });
  const seal = await attempt(
    'Error checking seal status',
    client.object('GET', 'sys/seal-status'),
    EXIT_LOCAL,
  );
  await printSealStatus(invocation, client, seal);
  return seal['sealed'] === true ? EXIT_SERVER : EXIT_OK;
}
