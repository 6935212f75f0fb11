/**
 * The replacements of credentials that are under way (see `replaces` in model/outside.ts), whichever process is at them: one for each
 * credential of a mount, begun and ended in the commits of its intent.
 */
import type { Unit, Transaction } from '../../model/transaction.ts';
import { RequestError } from '../../model/errors.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { IntentRecord, NewIntent } from './intent-record.ts';
import type { IntentPorts } from './intent-ports.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

const PREFIX = 'core/replacement/';

/** Longest wait for the end of a replacement, and how often to look whether another process has come to it. */
const WAIT_MS_MAX = 8_000;
const LOOK_MS = 50;
/** One that lasts longer has its target away, and nobody waits for it. */
const AGE_MS_MAX = 20_000;

interface Replacement {
  /** Of the intent. */
  readonly id: string;
  readonly openedMs: number;
}

export class Replacements {
  readonly #ports: Pick<IntentPorts, 'world' | 'begin'>;
  #woken = Promise.withResolvers<void>();

  constructor(ports: Pick<IntentPorts, 'world' | 'begin'>) {
    this.#ports = ports;
  }

  /** Together with the intent; the commit fails when there is one already. */
  begin(unit: Unit, { id, openedMs, mountAccessor, replaces }: IntentRecord): void {
    if (replaces === undefined) return;
    const replacement: Replacement = { id, openedMs };
    viewOf(unit).putJsonNew(keyOf(mountAccessor, replaces), replacement);
  }

  /** Together with the intent, unless another one has taken its place. */
  async end(unit: Unit, { id, mountAccessor, replaces = '' }: IntentRecord): Promise<void> {
    const key = keyOf(mountAccessor, replaces);
    const found = await viewOf(unit).getJson<Replacement>(key);
    if (found?.id === id) viewOf(unit).delete(key);
  }

  /** In this process one may have come to its end. */
  wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }

  /**
   * Before another replacement of the same credential.
   * @throws {ConflictError} there was one and it is over: what was read before is of another time
   * @throws {RequestError} it does not come to its end
   */
  async assertNone({ mountAccessor, replaces = '' }: NewIntent): Promise<void> {
    const key = keyOf(mountAccessor, replaces);
    const find = async (): Promise<string | undefined> =>
      (await viewOf(this.#ports.begin()).has(key)) ? key : undefined;
    const held = await find();
    if (held === undefined) return;
    if (await this.#ended(find)) throw new ConflictError(PREFIX + key);
    throw new RequestError(
      'unavailable',
      'the credential of the connection is being replaced by another request, try again',
    );
  }

  /**
   * Waits for the end of a replacement in a mount, or in any of them.
   * @returns its key, if there was one and it has come to its end in time
   */
  async over(mountAccessor: string | undefined): Promise<string | undefined> {
    const find = async (): Promise<string | undefined> => {
      const after = mountAccessor === undefined ? '' : `${mountAccessor}:`;
      const [key] = await viewOf(this.#ports.begin()).list('', { after, limit: 1 });
      return key?.startsWith(after) === true ? key : undefined;
    };
    const held = await find();
    if (held === undefined) return undefined;
    const { clock } = this.#ports.world;
    const found = await viewOf(this.#ports.begin()).getJson<Replacement>(held);
    if (found !== undefined && clock.nowMs() - found.openedMs > AGE_MS_MAX) return undefined;
    return (await this.#ended(find)) ? PREFIX + held : undefined;
  }

  async #ended(find: () => Promise<string | undefined>): Promise<boolean> {
    const { clock } = this.#ports.world;
    const untilMs = clock.monotonicMs() + WAIT_MS_MAX;
    while (clock.monotonicMs() < untilMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(LOOK_MS, resolve);
      const woken = this.#woken.promise;
      if ((await find()) === undefined) {
        cancel();
        return true;
      }
      await Promise.race([promise, woken]);
      cancel();
    }
    return false;
  }
}

/** Connections may have any name: in one level of the list all the same. */
function keyOf(mountAccessor: string, name: string): string {
  return `${mountAccessor}:${encodeURIComponent(name)}`;
}

function viewOf(unit: Unit): Transaction {
  return unit.view(ROOT_NAMESPACE_ID, PREFIX);
}
