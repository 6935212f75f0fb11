/**
 * Store and audit logs vouch for each other. The store remembers how far the logs had come: a log that ends earlier at the next start was
 * cut off while the server was down, which its chain alone cannot tell. The logs tell how far the store had come: a store that is behind
 * that was put back to an older state as a whole, which its sums alone cannot tell.
 */
import type { AuditAnchor, AuditBroker } from '../audit/broker.ts';
import type { ChainPosition } from '../audit/chain.ts';
import { createCheckpointVerifier, keyId } from '../audit/checkpoint.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { RequestError } from '../model/errors.ts';

/** How often the newest checkpoints are stored. */
const ANCHOR_INTERVAL_MS = 60_000;
const PREFIX = 'core/audit/';

type Anchors = Record<string, ChainPosition>;

export interface AuditAnchorOptions {
  readonly audit: Pick<AuditBroker, 'anchors'>;
  readonly begin: () => CoreUnit;
  readonly clock: Clock;
  readonly log: Log;
  /** Each node has logs of its own. */
  readonly node: string;
}

export class AuditAnchors {
  readonly #options: AuditAnchorOptions;
  #cancel: (() => void) | undefined;
  #saved = '';
  #compared = false;

  constructor(options: AuditAnchorOptions) {
    this.#options = options;
  }

  /**
   * After unsealing: compares the logs with what was remembered, and the store with what the logs say; goes on remembering.
   * @param storePosition how far the store has come; undefined when that is not known.
   */
  async start(storePosition: bigint | undefined): Promise<void> {
    this.#cancel?.();
    this.#cancel = () => {};
    // Where the logs began matters once; later checkpoints lie beyond.
    if (!this.#compared) {
      await this.#compare();
      if (storePosition !== undefined) this.#compareStore(storePosition);
    }
    this.#compared = true;
    this.#arm();
  }

  async #compare(): Promise<void> {
    const known = (await this.#view().getJson<Anchors>(this.#key)) ?? {};
    for (const anchor of this.#options.audit.anchors()) {
      const expected = Object.hasOwn(known, anchor.path) ? known[anchor.path] : undefined;
      if (expected === undefined || !isCutOff(anchor, expected)) continue;
      this.#options.log.named('audit').error('audit log was cut off while the server was down', {
        path: anchor.path,
        expectedSeq: expected.seq,
        foundSeq: anchor.startedAt?.seq,
      });
    }
  }

  #compareStore(now: bigint): void {
    for (const anchor of this.#options.audit.anchors()) {
      const before = toldPosition(anchor);
      if (before === undefined || now >= before.store) continue;
      this.#options.log
        .named('audit')
        .error('the store was put back to an older state than its audit log has seen', {
          path: anchor.path,
          checkpoint: before.time,
          commitsGone: String(before.store - now),
        });
    }
  }

  /** After a restore while this server ran: how far the store had come before, and how far it has now. */
  compareOwn(before: bigint | undefined, now: bigint | undefined): void {
    if (before === undefined || now === undefined || now >= before) return;
    this.#options.log
      .named('audit')
      .error('the store was put back to an older state than this server has seen', {
        commitsGone: String(before - now),
      });
  }

  /** Before sealing: remembers the newest checkpoints and stops. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#save();
  }

  #arm(): void {
    // Stopped meanwhile.
    if (this.#cancel === undefined) return;
    this.#cancel = this.#options.clock.after(ANCHOR_INTERVAL_MS, () => {
      void this.#save().finally(() => this.#arm());
    });
  }

  /** Never rejects: an anchor that is not stored only means that an older one is compared with. */
  async #save(): Promise<void> {
    const anchors: Anchors = {};
    for (const { path, checkpoint } of this.#options.audit.anchors()) {
      if (checkpoint !== undefined) anchors[path] = checkpoint;
    }
    const text = JSON.stringify(anchors);
    if (text === this.#saved || text === '{}') return;
    try {
      const unit = this.#options.begin();
      unit.view('root', PREFIX).put(this.#key, text);
      await unit.commit();
      this.#saved = text;
    } catch (error) {
      // The keys went while it waited for the store.
      if (error instanceof RequestError && error.code === 'sealed') return;
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#options.log.named('audit').warn('audit checkpoints could not be stored', { reason });
    }
  }

  #view(): ReturnType<CoreUnit['view']> {
    return this.#options.begin().view('root', PREFIX);
  }

  get #key(): string {
    return `anchors/${Buffer.from(this.#options.node).toString('base64url')}`;
  }
}

/** How far the store had come by the last checkpoint that tells it, if the log's own key signed that. */
function toldPosition({
  publicKey,
  foundCheckpoint,
}: AuditAnchor): { readonly store: bigint; readonly time: string } | undefined {
  if (foundCheckpoint === undefined) return undefined;
  const { checkpoint, before } = foundCheckpoint;
  const key = Buffer.from(publicKey, 'base64');
  if (checkpoint.store === undefined || checkpoint.keyId !== keyId(key)) return undefined;
  if (!createCheckpointVerifier(key)(checkpoint, before)) return undefined;
  return { store: BigInt(checkpoint.store), time: checkpoint.time };
}

function isCutOff(anchor: AuditAnchor, expected: ChainPosition): boolean {
  const { startedAt } = anchor;
  if (startedAt === undefined) return false;
  if (startedAt.seq === expected.seq) return startedAt.hash !== expected.hash;
  return startedAt.seq < expected.seq;
}
