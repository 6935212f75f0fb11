/** Deleting secrets so that they can be recovered, recovering them, and purging them for good. */
import { findVersion, servedNumber } from '../../../model/secret.ts';
import type { Secret } from '../../../model/secret.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { assertPurgeable, deletionOf, purgeTimeMs, vaultAt } from '../objects/vault-rules.ts';
import type { Vault } from '../objects/vault-rules.ts';
import { jsonReply } from '../wire/errors.ts';
import { propertiesOf } from './bundle.ts';
import { deletedSecret, liveSecret } from './read.ts';

function bundle(vault: Vault, name: string, secret: Secret): Record<string, unknown> {
  const version = findVersion(secret, servedNumber(secret));
  return version === undefined
    ? { id: `${vault.base}/secrets/${name}` }
    : propertiesOf(vault, name, secret, version);
}

export async function deleteSecret({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'delete',
    part: 'secrets',
    path: `metadata/${name}`,
    task: {
      secret(desk) {
        liveSecret(desk, name);
        const vault = vaultAt(base, desk);
        const purgeMs = purgeTimeMs(vault, desk.nowMs);
        const secret = desk.change((before) => ({ ...before, deletedMs: desk.nowMs, purgeMs }));
        return shown({
          ...deletionOf(vault, 'secret', name, secret),
          ...bundle(vault, name, secret),
        });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function recoverSecret({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'secrets',
    path: `undelete/${name}`,
    task: {
      secret(desk) {
        deletedSecret(desk, name);
        const secret = desk.change(({ deletedMs: _deleted, purgeMs: _purge, ...rest }) => rest);
        return shown(bundle(vaultAt(base, desk), name, secret));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function purgeSecret({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  await ask({
    operation: 'write',
    part: 'secrets',
    path: `destroy/${name}`,
    task: {
      secret(desk) {
        deletedSecret(desk, name);
        assertPurgeable(vaultAt(base, desk));
        desk.remove();
        return undefined;
      },
    },
  });
  return { status: 204, headers: {}, body: '' };
}
