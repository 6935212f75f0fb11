/** Puts an uploaded snapshot in the place of everything that the store of a running server holds. */
import type { BarrierCopy } from '../barrier/copy.ts';
import { RequestError, invalidRequest } from '../model/errors.ts';
import { isReplaceable, StorageError } from '../storage/storage.ts';
import type { Entry, ScannableStorage, Storage } from '../storage/storage.ts';
import { snapshotIn } from './archive.ts';
import { SnapshotError } from './container.ts';
import { prove } from './prove.ts';
import { publicKeyOf, removeCopy } from './run.ts';
import type { RunPorts } from './run.ts';
import { unpack } from './unpack.ts';

/**
 * How far beyond the present state the restored one counts itself: more commits than other servers can make until theirs are refused.
 * Nobody without the keys can make an older state count that far, so the audit logs tell this from one that was put back by stealth.
 */
const COMMITS_AHEAD = 2n ** 24n;

export interface RestorePorts extends RunPorts {
  readonly storage: Storage;
  /** Why this server could not be unsealed as it always is if the store were what the copy is. */
  readonly refusalOfCopy: (copy: Storage) => Promise<string | undefined>;
  /** Demands that the file is a whole copy; for those that cannot be opened. @throws {StorageError} */
  readonly assertWhole: (file: string) => void;
  /** Resolves when the server has taken up what is there now. */
  readonly takenUp: () => Promise<void>;
}

export class Restorer {
  readonly #ports: RestorePorts;
  #running = false;

  constructor(ports: RestorePorts) {
    this.#ports = ports;
  }

  /**
   * @param force also a snapshot of another cluster, or one that other keys unseal.
   * @throws {RequestError} nothing has changed.
   */
  async restore(pieces: AsyncIterable<Uint8Array>, force: boolean): Promise<void> {
    if (this.#running) {
      throw new RequestError('unavailable', 'another restore is under way');
    }
    this.#running = true;
    try {
      await this.#restore(pieces, force);
    } catch (error) {
      throw asTold(error);
    } finally {
      this.#running = false;
    }
  }

  async #restore(pieces: AsyncIterable<Uint8Array>, force: boolean): Promise<void> {
    const { storage, world, workFile, openCopy } = this.#ports;
    if (!isReplaceable(storage)) throw invalidRequest('this storage cannot be restored');
    const file = workFile();
    let copy: ScannableStorage | undefined;
    try {
      const trusted = force ? undefined : publicKeyOf(this.#ports);
      const manifest = await unpack(snapshotIn(pieces), file, trusted);
      copy = openCopy(file);
      const own = manifest.cluster_id === this.#ports.about().cluster_id;
      const sum = await this.#checked(copy, file, force, own);
      const about = { name: manifest.name, created: manifest.created_time, force };
      world.log.warn('a snapshot takes the place of the store', about);
      await storage.replace(sum === undefined ? copy : withEntry(copy, sum));
      await this.#ports.takenUp();
    } finally {
      await copy?.close();
      await removeCopy(file);
    }
  }

  /** @returns the record that tells servers that this restore was announced, when there are keys to write it. */
  async #checked(
    copy: ScannableStorage,
    file: string,
    force: boolean,
    own: boolean,
  ): Promise<Entry | undefined> {
    const { barrier, refusalOfCopy } = this.#ports;
    const refusal = await refusalOfCopy(copy);
    if (refusal !== undefined && !force) {
      throw invalidRequest(
        `the snapshot would leave this server sealed: ${refusal}. With snapshot-force it is restored all the same`,
      );
    }
    if (force && !own) {
      // Tried with the keys of this cluster, each of its records would look like one that somebody has changed.
      this.#ports.assertWhole(file);
      return undefined;
    }
    let opened: BarrierCopy | undefined;
    try {
      await prove(barrier, copy, new AbortController().signal);
      opened = await barrier.openCopy(copy);
      return await opened.sumAhead(COMMITS_AHEAD);
    } catch (error) {
      if (!force) throw error;
      // It cannot be opened here: what can be judged without keys is.
      this.#ports.assertWhole(file);
      return undefined;
    } finally {
      opened?.seal();
    }
  }
}

/** The copy with one record in place of its own. */
function withEntry(copy: ScannableStorage, entry: Entry): ScannableStorage {
  return {
    read: (keys) => copy.read(keys),
    list: (prefix, page) => copy.list(prefix, page),
    scan: async (prefix, after, limit) =>
      (await copy.scan(prefix, after, limit)).map((one) => (one.key === entry.key ? entry : one)),
    commit: (commit) => copy.commit(commit),
    close: () => copy.close(),
  };
}

/** What is wrong with the snapshot may be told to whoever may restore one. */
function asTold(error: unknown): unknown {
  if (!(error instanceof SnapshotError) && !(error instanceof StorageError)) return error;
  if (error instanceof StorageError && error.passing) return error;
  return invalidRequest(`the snapshot cannot be restored: ${error.message}`, { cause: error });
}
