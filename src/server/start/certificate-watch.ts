/**
 * Takes renewed certificates into use when their files change. Whoever renews them (an ACME client, a secret that is mounted) can
 * seldom send a signal to this process. Links that move to other files count as changes too.
 */
import { statSync } from 'node:fs';
import type { World } from '../../base/world.ts';

export const CERTIFICATE_CHECK_MS = 30_000;

/** What presents certificates. */
export interface Presenter {
  readonly files: readonly string[];
  /** Reads the files. May throw: then it goes on with what it has. */
  reload(): void;
}

/** @returns a function that ends the watch */
export function watchCertificates(
  world: Pick<World, 'clock' | 'log'>,
  presenters: readonly Presenter[],
): () => void {
  const watched = presenters
    .filter(({ files }) => files.length > 0)
    .map((presenter) => ({ presenter, seen: stateOf(presenter.files) }));
  if (watched.length === 0) return () => {};
  let disarm = arm();
  return () => disarm();

  function arm(): () => void {
    return world.clock.after(CERTIFICATE_CHECK_MS, () => {
      for (const one of watched) {
        // Taken before the files are read: what changes in between is seen at the next check.
        const state = stateOf(one.presenter.files);
        if (state === one.seen) continue;
        one.seen = state;
        reload(one.presenter);
      }
      disarm = arm();
    });
  }

  function reload(presenter: Presenter): void {
    const [file] = presenter.files;
    try {
      presenter.reload();
      world.log.info('a renewed certificate is in use', { file });
    } catch (error) {
      // Certificate and key are two files: between them they do not fit, and the second change follows.
      const reason = error instanceof Error ? error.message : 'unknown';
      world.log.warn('a changed certificate is not used', { file, reason });
    }
  }
}

function stateOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? '' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}`;
    })
    .join('|');
}
