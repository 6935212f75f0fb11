/** Steps that the simulations share: a mount to write to, and the audit verifier as a user runs it. */
import { execFile } from 'node:child_process';
import { strongroom } from '../rig/vault-server.ts';
import type { VaultServer } from '../rig/vault-server.ts';

export async function mountSecrets({ api, rootToken }: VaultServer): Promise<void> {
  const body = { type: 'kv', options: { version: '2' } };
  await api.expect('POST', 'sys/mounts/secret', { token: rootToken, body });
}

/** What `strongroom audit verify` finds wrong. */
export function verifyAudit(file: string): Promise<string[]> {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  execFile(strongroom.executable, ['audit', 'verify', file], (error, stdout, stderr) => {
    resolve(error === null ? [] : [`audit verify: ${`${stdout}${stderr}`.trim()}`]);
  });
  return promise;
}
