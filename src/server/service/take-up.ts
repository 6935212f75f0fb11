/**
 * Goes over to a store in which everything was replaced, here or by another server: what is known of the state before is forgotten, and the
 * server unseals itself again with the key that it had, if that opens what is there now.
 */
import type { Barrier } from '../../barrier/barrier.ts';
import type { World } from '../../base/world.ts';
import { wipe } from '../../crypto/secret-bytes.ts';
import { isReplaceable, ReplacedError, StorageError } from '../../storage/storage.ts';
import type { ReplaceableStorage, Storage } from '../../storage/storage.ts';

export interface TakeUpPorts {
  /** One that is never replaced is never taken up. */
  readonly storage: Storage;
  readonly world: World;
  readonly barrier: Barrier;
  /** @returns whether it is open now. */
  readonly unsealAgain: (rootKey: Uint8Array | undefined) => Promise<boolean>;
  /** Told how far the store had come and how far it has. */
  readonly wentBack: (before: bigint | undefined, now: bigint | undefined) => void;
  /** Forgets and wipes everything, as sealing does. */
  readonly endService: () => Promise<void>;
  readonly serve: () => Promise<void>;
}

export class TakeUp {
  readonly #ports: TakeUpPorts;
  /** How often everything was replaced since the server began to go over. */
  #replaced = 0;
  /** Resolves when the server has gone over. */
  over: Promise<void> = Promise.resolve();

  constructor(ports: TakeUpPorts) {
    this.#ports = ports;
    const { storage } = ports;
    if (!isReplaceable(storage)) return;
    storage.onReplaced(() => {
      this.#replaced += 1;
      if (this.#replaced === 1) this.over = this.#run(storage);
    });
  }

  async #run(storage: ReplaceableStorage): Promise<void> {
    const { world, barrier } = this.#ports;
    const log = world.log.named('core');
    log.warn('the store was replaced by a restore; this server goes over to it');
    const sealed = barrier.sealed;
    const rootKey = sealed ? undefined : barrier.copyRootKey();
    const clusterId = sealed ? '' : barrier.clusterId;
    try {
      for (let seen = 0; seen < this.#replaced;) {
        seen = this.#replaced;
        try {
          await this.#goOver(storage, rootKey, clusterId);
        } catch (error) {
          if (!(error instanceof ReplacedError)) throw error;
          log.warn('the store was replaced once more meanwhile');
        }
      }
    } catch (error) {
      world.fatal('the restored store cannot be taken up', error);
    } finally {
      this.#replaced = 0;
      if (rootKey !== undefined) wipe(rootKey);
    }
  }

  async #goOver(
    storage: ReplaceableStorage,
    rootKey: Buffer | undefined,
    clusterId: string,
  ): Promise<void> {
    const { barrier, endService, serve, wentBack } = this.#ports;
    await endService();
    const before = barrier.position;
    await storage.acceptReplaced();
    if (!(await this.#unsealed(rootKey))) return;
    if (clusterId === barrier.clusterId) wentBack(before, barrier.position);
    try {
      await serve();
    } catch (error) {
      // An operator has sealed it meanwhile.
      if (!barrier.sealed) throw error;
    }
  }

  async #unsealed(rootKey: Buffer | undefined): Promise<boolean> {
    const log = this.#ports.world.log.named('core');
    try {
      if (await this.#ports.unsealAgain(rootKey)) return true;
    } catch (error) {
      if (error instanceof StorageError) throw error;
      const reason = error instanceof Error ? error.message : 'unknown';
      log.warn('the seal does not open the restored store', { reason });
    }
    log.warn('sealed: unseal this server with the keys of the time of the snapshot');
    return false;
  }
}
