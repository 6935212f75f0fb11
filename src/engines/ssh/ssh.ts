/** The SSH engine: an authority that signs keys of users and hosts, and one-time passwords for hosts that ask this server. */
import type { Random } from '../../base/random.ts';
import type { Backend } from '../../model/backend.ts';
import type { Principal } from '../../model/request.ts';
import { certificatePaths } from './certificate-paths.ts';
import { issuerPaths } from './issuer-paths.ts';
import { OTP_SECRET, oneTimePaths, revokeOneTime } from './one-time.ts';
import { rolePaths } from './role-paths.ts';
import { zeroAddressPaths } from './zero-address.ts';

export interface SshPorts {
  readonly random: Random;
  /** HMAC of a text under a key of the server, hex. */
  readonly hash: (text: string) => string;
  /** Fills identity templates, with whatever value; undefined when one is missing. */
  readonly fillTemplate: (template: string, principal: Principal) => Promise<string | undefined>;
}

export function sshBackend(ports: SshPorts): Backend {
  return {
    type: 'ssh',
    kind: 'secret',
    summary: 'Signed SSH keys for users and hosts, and one-time passwords.',
    paths: [
      ...zeroAddressPaths(),
      ...rolePaths(),
      ...oneTimePaths(ports),
      ...issuerPaths(ports),
      ...certificatePaths(ports),
    ],
    secrets: { [OTP_SECRET]: { revoke: revokeOneTime } },
  };
}
