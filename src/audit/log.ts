/**
 * One device's log: chains what the broker renders, writes everything that waits in one append (group commit), signs
 * checkpoints, and picks up where the log ends after a crash, a rotation or a failed write. A record's promise settles when
 * the device has taken it or its deadline has passed; it never hangs.
 */
import type { Clock } from '../base/clock.ts';
import { Cadence } from './cadence.ts';
import { Chain, LineBuffer } from './chain.ts';
import type { ChainPosition } from './chain.ts';
import { keyId, renderCheckpoint, renderHeader } from './checkpoint.ts';
import type { CheckpointSigner, StoredCheckpoint } from './checkpoint.ts';
import { isResumable } from './device.ts';
import type { AuditDevice, LogTail } from './device.ts';
import {
  BATCH_BYTES_MAX,
  ENDORSEMENTS_MAX,
  IN_PLACE_INTERVAL_MS,
  WAITING_BYTES_MAX,
} from './log-options.ts';
import type { AuditLogOptions } from './log-options.ts';
import { OwedReplies, openGroup, refused } from './group.ts';
import type { Group, GroupCounts, RecordKind } from './group.ts';

export type LogState = 'ok' | 'failing' | 'stalled' | 'closed';

export class AuditLog {
  readonly #device: AuditDevice;
  readonly #options: AuditLogOptions;
  readonly #clock: Clock;
  readonly #chain: Chain = new Chain();
  /** What is being written. */
  readonly #lines = new LineBuffer();
  #signer: CheckpointSigner;
  #groups: Group[] = [];
  #waitingBytes = 0;
  readonly #owed = new OwedReplies();
  #writing: Promise<void> | undefined;
  #state: LogState = 'ok';
  #mustResume = true;
  /** A header is due: at the start, in a new file, with a new key. */
  #mustIntroduce = true;
  readonly #cadence: Cadence;
  #startedAt: ChainPosition | undefined;
  #foundCheckpoint: StoredCheckpoint | undefined;
  #checkpoint: ChainPosition | undefined;
  #inPlaceAtMs = 0;
  #dropped = 0;
  #awaitingEndorsement: string[] = [];

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#device = options.device;
    this.#clock = options.clock;
    this.#cadence = new Cadence(options.clock);
    this.#signer = options.signer;
    if (options.signer.role === 'boot') this.#awaitEndorsement(keyId(options.signer.publicKey));
  }

  get state(): LogState {
    return this.#state;
  }

  /** Records that this log has lost since it was opened. */
  get dropped(): number {
    return this.#dropped;
  }

  get waitingRecords(): number {
    return this.#groups.reduce((count, { bodies }) => count + bodies.length, 0);
  }

  /** The end of the chain, as far as it has been handed to the device. */
  get position(): ChainPosition {
    return this.#chain.position;
  }

  /** Where the log ended when it was opened; undefined before that, and for devices that cannot be read back. */
  get startedAt(): ChainPosition | undefined {
    return this.#startedAt;
  }

  /** See {@link AuditAnchor.foundCheckpoint}. */
  get foundCheckpoint(): StoredCheckpoint | undefined {
    return this.#foundCheckpoint;
  }

  /** The newest checkpoint that the device has taken. */
  get checkpoint(): ChainPosition | undefined {
    return this.#checkpoint;
  }

  get publicKey(): Buffer {
    return this.#signer.publicKey;
  }

  /**
   * Takes one record (a JSON object without its closing brace). Records appended before the event loop turns share one
   * write and one promise.
   */
  append(body: string, kind: RecordKind): Promise<void> {
    if (this.#state === 'stalled' || this.#state === 'closed') {
      if (kind === 'response') this.#owe([body]);
      this.#lose({ request: 0, response: 0, [kind]: 1 });
      return refused(
        this.#state === 'closed' ? 'the device is closed' : 'the device does not answer',
      );
    }
    if (this.#waitingBytes + body.length > WAITING_BYTES_MAX) {
      this.#lose({ request: 0, response: 0, [kind]: 1 });
      return refused('too many records wait');
    }
    let group = this.#groups.at(-1);
    if (group === undefined || group.bytes + body.length > BATCH_BYTES_MAX) {
      group = this.#newGroup();
      this.#groups.push(group);
      if (this.#groups.length === 1 && this.#writing === undefined) this.#writeSoon();
    }
    group.bodies.push(body);
    if (kind === 'response') group.replies.push(body);
    group[kind]++;
    group.bytes += body.length;
    this.#waitingBytes += body.length;
    return group.promise;
  }

  /** From now on `signer` signs. The next checkpoint endorses the boot keys that were used before. */
  useSigner(signer: CheckpointSigner): void {
    if (signer.publicKey.equals(this.#signer.publicKey)) return;
    this.#signer = signer;
    this.#mustIntroduce = true;
    if (signer.role === 'boot') this.#awaitEndorsement(keyId(signer.publicKey));
    // The header and the endorsement shall not wait for the next request.
    this.#cadence.hurry();
    this.#cadence.add(1);
    this.#writeSoon();
  }

  /** Log rotation: what waits goes to the old file, all later records to the new one. */
  async reopen(): Promise<void> {
    await this.#settled();
    this.#mustResume = true;
    // A device that is stuck is left to its append; the next record opens anew.
    if (this.#writing === undefined) await this.#device.reopen();
  }

  /** Writes what waits and a last checkpoint, then closes the device. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#cadence.disarm();
    this.#cadence.hurry();
    await this.#settled();
    if (this.#cadence.due && this.#state === 'ok' && this.#writing === undefined) {
      void this.#write();
      await this.#settled();
    }
    this.#state = 'closed';
    for (const group of this.#groups.splice(0)) group.settle(new Error('the device is closed'));
    const closing = this.#device.close();
    if (this.#writing === undefined) await closing;
    else closing.catch(() => {});
  }

  /** Waits until nothing waits or is being written, at most for the deadline. */
  async #settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<'time is up'>();
    const stop = this.#clock.after(this.#options.deadlineMs, () => resolve('time is up'));
    while (this.#writing !== undefined || this.#groups.length > 0) {
      const end = await Promise.race([this.#writing ?? this.#write(), promise]);
      if (end === 'time is up') break;
    }
    stop();
  }

  #newGroup(): Group {
    const startMs = this.#clock.monotonicMs();
    const group: Group = openGroup((error) => {
      stopWaiting();
      this.#waitingBytes -= group.bytes;
      if (error !== undefined) return this.#lose(group);
      this.#options.onWritten?.(group, this.#clock.monotonicMs() - startMs);
    });
    const stopWaiting = this.#clock.after(this.#options.deadlineMs, () => this.#late(group));
    return group;
  }

  /** The deadline of a group passed: the device is stalled until the append that it is stuck in settles. */
  #late(group: Group): void {
    if (this.#writing !== undefined) this.#turn('stalled', 'no answer within the deadline');
    const waiting = this.#groups.indexOf(group);
    // Records of refused requests need not be written any more. A group in flight is not in the queue.
    if (waiting >= 0) {
      this.#groups.splice(waiting, 1);
      this.#owe(group.replies);
    }
    group.settle(new Error('the device did not answer in time'));
  }

  #writeSoon(): void {
    const soon = this.#options.soon ?? setImmediate;
    soon(() => {
      if (this.#writing === undefined && this.#state !== 'closed') void this.#write();
    });
  }

  /** Writes until nothing waits. Never rejects. */
  #write(): Promise<void> {
    this.#writing = this.#drain().finally(() => {
      this.#writing = undefined;
      if (this.#groups.length > 0 && this.#state !== 'closed') this.#writeSoon();
    });
    return this.#writing;
  }

  async #drain(): Promise<void> {
    for (;;) {
      const group = this.#groups.shift();
      if (group === undefined && this.#owed.count === 0 && !this.#cadence.due) return;
      const start = this.#chain.position;
      const owed = this.#owed.take();
      try {
        await this.#writeGroup(owed, group?.bodies ?? []);
        this.#turn('ok', 'the device takes records again');
        group?.settle();
      } catch (error) {
        if (this.#chain.position.seq !== start.seq) this.#chain.moveTo(start);
        this.#mustResume = true;
        this.#owe(owed);
        this.#owe(group?.replies ?? []);
        const reason = error instanceof Error ? error : new Error('the device failed');
        this.#turn('failing', reason.message);
        group?.settle(new Error('the device could not write', { cause: reason }));
        // A checkpoint alone is not tried again at once, but with the next records or by the timer, which has something to
        // write then even if this failed before any line: balancers that keep away from a degraded server send no records.
        this.#cadence.add(1);
        if (this.#groups.length === 0) return this.#armCheckpoint();
      }
    }
  }

  async #writeGroup(owed: readonly string[], bodies: readonly string[]): Promise<void> {
    this.#lines.clear();
    await this.#prepare();
    for (const body of owed) this.#chain.appendTo(this.#lines, body);
    for (const body of bodies) this.#chain.appendTo(this.#lines, body);
    this.#cadence.add(owed.length + bodies.length);
    const checkpoint = this.#cadence.due;
    const endorsed = this.#signer.role === 'log' ? this.#awaitingEndorsement : [];
    if (checkpoint) this.#chain.appendTo(this.#lines, this.#checkpointBody(endorsed));
    await this.#device.append(this.#lines.bytes);
    this.#mustIntroduce = false;
    if (!checkpoint) return this.#armCheckpoint();
    this.#cadence.done();
    if (endorsed.length > 0) this.#awaitingEndorsement = [];
    this.#checkpoint = this.#chain.position;
  }

  #checkpointBody(endorses: readonly string[]): string {
    const { origin, storePosition } = this.#options;
    const store = storePosition?.()?.toString();
    const fields = { time: this.#time(), origin, dropped: this.#dropped, endorses, store };
    return renderCheckpoint(fields, this.#chain.position, this.#signer);
  }

  /** Makes sure that the log is open and in place, and begins with a header when one is due. */
  async #prepare(): Promise<void> {
    let tail: LogTail | undefined;
    if (isResumable(this.#device)) {
      const nowMs = this.#clock.monotonicMs();
      // Counted from the last look, not from the last write: writes that follow each other closely would put it off for ever.
      if (this.#mustResume) this.#inPlaceAtMs = nowMs;
      else if (nowMs - this.#inPlaceAtMs >= IN_PLACE_INTERVAL_MS) {
        this.#inPlaceAtMs = nowMs;
        this.#mustResume = !(await this.#device.inPlace());
        if (this.#mustResume) this.#options.log.warn('audit log file is not in its place any more');
      }
      if (this.#mustResume) tail = this.#follow(await this.#device.resume());
    }
    this.#mustResume = false;
    if (!this.#mustIntroduce) return;
    this.#cadence.add(1);
    const header = renderHeader({
      time: this.#time(),
      origin: this.#options.origin,
      opens: tail?.empty ?? this.#chain.position.seq === 0,
      signer: this.#signer,
      recovered: tail?.torn,
    });
    this.#chain.appendTo(this.#lines, header);
  }

  /** Goes on where the file ends. */
  #follow(tail: LogTail): LogTail {
    const own = this.#chain.position;
    const { position } = tail;
    if (this.#startedAt === undefined) this.#foundCheckpoint = tail.checkpoint;
    this.#startedAt ??= position ?? own;
    if (position !== undefined) {
      // Lines of a refused group may have reached the file all the same: they stay part of the chain.
      if (own.seq === 0 || position.seq > own.seq) this.#chain.moveTo(position);
      else if (position.seq < own.seq) {
        this.#options.log.error('audit log ends before what was written to it', {
          expectedSeq: own.seq,
          foundSeq: position.seq,
        });
      }
    }
    const follows = position !== undefined && position.hash === this.#chain.position.hash;
    if (tail.empty || tail.torn !== undefined || !follows) this.#mustIntroduce = true;
    if (tail.torn !== undefined) {
      this.#options.log.warn('audit log had an unfinished end', { bytes: tail.torn.bytes });
    }
    return tail;
  }

  #armCheckpoint(): void {
    if (this.#state === 'closed') return;
    this.#cadence.arm(() => {
      if (this.#state !== 'closed' && this.#writing === undefined) void this.#write();
    });
  }

  #owe(replies: readonly string[]): void {
    if (this.#options.keepReplies === true) this.#owed.add(replies);
  }

  #lose(group: GroupCounts): void {
    this.#dropped += group.request + group.response;
    this.#options.onFailure?.(group);
  }

  #awaitEndorsement(id: string): void {
    this.#awaitingEndorsement.push(id);
    if (this.#awaitingEndorsement.length > ENDORSEMENTS_MAX) this.#awaitingEndorsement.shift();
  }

  #turn(state: LogState, reason: string): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    const fields = { origin: this.#options.origin, reason };
    if (state === 'ok') this.#options.log.info('audit device works again', fields);
    else this.#options.log.error(`audit device is ${state}`, fields);
  }

  #time(): string {
    return new Date(this.#clock.nowMs()).toISOString();
  }
}
