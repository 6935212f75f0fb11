/** What this engine needs of the server. */
import type { Random } from '../../base/random.ts';
import type { Principal } from '../../model/principal.ts';

export interface SshPorts {
  readonly random: Random;
  /** HMAC of a text under a key of the server, hex. */
  readonly hash: (text: string) => string;
  /** Fills identity templates, with whatever value; undefined when one is missing. */
  readonly fillTemplate: (template: string, principal: Principal) => Promise<string | undefined>;
}
