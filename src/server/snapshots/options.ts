/** What the configuration says of snapshots. */
import type { Random } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { copierOf, privateDirectory, workDirectory } from './copies.ts';
import type { WorkDirectory } from './copies.ts';

export interface SnapshotOptions {
  /** Writes a consistent copy of the store to a new file; undefined = the store gives none. */
  readonly copyTo: ((file: string) => Promise<void>) | undefined;
  readonly work: WorkDirectory;
  /** `snapshot_directory`: the only folder below which schedules may put snapshots; undefined = none may. */
  readonly directory: string | undefined;
  /** Where the credentials of object storage may stand. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export const NO_SNAPSHOTS: SnapshotOptions = {
  copyTo: undefined,
  work: {
    file: () => {
      throw invalidRequest('this server has no folder for snapshots');
    },
    remove: () => {},
  },
  directory: undefined,
  environment: {},
};

/** @throws {Error} the working folder can be entered by others. */
export function snapshotOptions(
  config: ServerConfig,
  storage: Storage,
  random: Random,
  environment: SnapshotOptions['environment'],
): SnapshotOptions {
  const { kind } = config.storage;
  return {
    copyTo: kind === 'inmem' ? undefined : copierOf(storage),
    work: workDirectory(workFolder(config), random),
    directory: config.snapshotDirectory,
    environment,
  };
}

/** The copies of an embedded store stay on the disk of the original until they are sent. */
function workFolder({ snapshotWorkDirectory, storage }: ServerConfig): string | undefined {
  if (snapshotWorkDirectory !== undefined) return privateDirectory(snapshotWorkDirectory);
  return storage.kind === 'sqlite' ? storage.path : undefined;
}
