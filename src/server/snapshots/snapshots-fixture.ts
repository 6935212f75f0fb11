/** What the tests of snapshots share: an instance whose store can be copied, and a folder for what comes of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { MemoryStore } from '../../storage/memory/memory-storage.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance, OpeningOptions } from '../instance-fixture.ts';
import { copierOf, workDirectory } from './copies.ts';
import type { SnapshotOptions } from './options.ts';

export const AUTO = 'sys/storage/raft/snapshot-auto';

export interface SnapshotScene extends OpenInstance {
  readonly storage: MemoryStore;
  /** `snapshot_directory`. */
  readonly directory: string;
  readonly options: SnapshotOptions;
  /** Lets time pass, and the snapshots be made that are due. */
  wait(seconds: number): Promise<void>;
  status(name: string): Promise<Record<string, unknown>>;
}

export async function snapshotScene(
  context: TestContext,
  more: OpeningOptions & { readonly environment?: SnapshotOptions['environment'] } = {},
): Promise<SnapshotScene> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-snapshots-'));
  const storage = createMemoryStorage();
  const directory = join(folder, 'kept');
  const options: SnapshotOptions = {
    copyTo: copierOf(storage),
    work: workDirectory(folder, systemRandom),
    directory,
    environment: more.environment ?? {},
  };
  const opened = await openInstance({ storage, snapshots: options, ...more });
  context.after(async () => {
    await opened.instance.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    ...opened,
    storage,
    directory,
    options,
    async wait(seconds) {
      opened.clock.advance(seconds * 1000);
      const { snapshots } = opened.instance;
      snapshots?.keeper.wake();
      await snapshots?.keeper.idle();
    },
    status: (name) => opened.get('read', `${AUTO}/status/${name}`),
  };
}
