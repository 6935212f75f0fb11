/** Deleting certificates so that they can be recovered, recovering them, and purging them for good. */
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { assertPurgeable, purgeTimeMs, vaultAt } from '../objects/vault-rules.ts';
import { jsonReply } from '../wire/errors.ts';
import {
  certificateBundle,
  chosenVersion,
  deletedBundle,
  deletedCertificate,
  liveCertificate,
} from './bundle.ts';

export async function deleteCertificate({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'delete',
    part: 'certificates',
    path: `stored/${name}/soft-delete`,
    task: {
      async certificate(desk) {
        liveCertificate(desk, name);
        const purgeMs = purgeTimeMs(vaultAt(base, desk), desk.nowMs);
        const certificate = await desk.change({ deletedMs: desk.nowMs, purgeMs });
        if (desk.awaited !== undefined) desk.changeAwaited(undefined);
        return shown(await deletedBundle(base, desk, certificate));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function getDeletedCertificate({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}/info`,
    task: {
      certificate: async (desk) =>
        shown(await deletedBundle(base, desk, deletedCertificate(desk, name))),
    },
  });
  return jsonReply(dataOf(answer));
}

export async function recoverCertificate({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: `stored/${name}/soft-delete-restore`,
    task: {
      async certificate(desk) {
        deletedCertificate(desk, name);
        const certificate = await desk.change({ deletedMs: undefined, purgeMs: undefined });
        const version = chosenVersion(certificate, name, '');
        return shown(await certificateBundle(base, desk, certificate, version));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function purgeCertificate({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  await ask({
    operation: 'delete',
    part: 'certificates',
    path: `stored/${name}`,
    task: {
      async certificate(desk) {
        deletedCertificate(desk, name);
        assertPurgeable(vaultAt(base, desk));
        await desk.remove();
        return undefined;
      },
    },
  });
  return { status: 204, headers: {}, body: '' };
}
