/** What this engine needs of the server. */
import type { Random } from '../../base/random.ts';

export interface LdapPorts {
  readonly random: Random;
  /** A password by a stored policy of the namespace, or by the usual one for ''. @throws {RequestError} no such policy */
  readonly password: (namespaceId: string, policy: string) => Promise<string>;
}
