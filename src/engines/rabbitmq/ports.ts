/** What this engine needs of the server. */
import type { Random } from '../../base/random.ts';
import type { SendRequest } from '../../model/outgoing.ts';

export interface RabbitmqPorts {
  readonly random: Random;
  readonly send: SendRequest;
  /** A new password by a policy of the namespace; '' = the usual one. */
  readonly password: (namespaceId: string, policy: string) => Promise<string>;
}
