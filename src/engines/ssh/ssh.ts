/** The SSH engine: an authority that signs keys of users and hosts, and one-time passwords for hosts that ask this server. */
import type { Backend } from '../../model/backend.ts';
import { certificatePaths } from './certificate-paths.ts';
import { issuerPaths } from './issuer-paths.ts';
import { OTP_SECRET, oneTimePaths, revokeOneTime } from './one-time.ts';
import { rolePaths } from './role-paths.ts';
import { zeroAddressPaths } from './zero-address.ts';
import type { SshPorts } from './ports.ts';

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
