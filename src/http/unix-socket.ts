/** Listening on a Unix socket: permissions from the first moment on, and a socket file that a crash left behind. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';

export interface SocketPlace {
  readonly socketPath: string;
  /** Permissions of the socket file, default 0600. */
  readonly mode?: number;
}

export const SOCKET_MODE_DEFAULT = 0o600;

/** @throws when the path is taken by a living server or by another kind of file */
export async function listenOnSocket(server: Server, place: SocketPlace): Promise<void> {
  const mode = place.mode ?? SOCKET_MODE_DEFAULT;
  await removeStaleSocket(place.socketPath);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Binding happens inside listen(): under this mask there is no moment at which others may connect.
    const before = process.umask(0o777 & ~mode);
    try {
      server.listen(place.socketPath, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
  chmodSync(place.socketPath, mode);
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} exists and is not a socket`);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (alive) throw new Error(`${path} is in use by another server`);
  unlinkSync(path);
}
