/**
 * Checks a log from outside the server: the chain, the signatures, and where the first fault is. Streaming, constant memory,
 * no imports but node:fs and node:crypto, so that any tool can call it.
 */
import { createReadStream } from 'node:fs';

import { CHAIN_START, LineSplitter, hashLine, parseLine } from './chain.ts';
import type { ChainPosition } from './chain.ts';
import {
  createCheckpointVerifier,
  keyId,
  parseCheckpoint,
  parseHeader,
  parsePublicKey,
} from './checkpoint.ts';
import type { Checkpoint, Header } from './checkpoint.ts';
import { Inquest } from './inquest.ts';
import type { Fault, FaultKind, RawLine, SeenLine } from './inquest.ts';

export type { Fault, FaultKind } from './inquest.ts';

export interface VerifyOptions {
  /** Base64 public keys of the log, known from elsewhere. Without them the log vouches only for itself. */
  readonly publicKeys?: readonly string[] | undefined;
  /** A checkpoint known from elsewhere: the log must contain it. */
  readonly expected?: ChainPosition | undefined;
  /** Streams without memory (standard output, sockets) begin anew at each start of the server. */
  readonly allowRestarts?: boolean | undefined;
}

export interface SigningKey {
  readonly role: 'log' | 'boot';
  readonly publicKey: string;
  readonly checkpoints: number;
  /** Named by the caller, or endorsed by a checkpoint of such a key. */
  readonly trusted: boolean;
}

/** The store was put back to an older state before this checkpoint. */
export interface SetBack {
  readonly seq: number;
  readonly time: string;
  readonly file: string;
  readonly line: number;
}

/** Later ones are not kept. */
const SET_BACKS_MAX = 100;

export interface Verification {
  readonly ok: boolean;
  /** Requests and responses. */
  readonly records: number;
  readonly checkpoints: number;
  readonly origin: string | undefined;
  readonly firstSeq: number | undefined;
  readonly last: ChainPosition | undefined;
  /** The last line that a good checkpoint covers. */
  readonly signedSeq: number | undefined;
  /** Records after the last checkpoint: chained, but not signed yet. */
  readonly unsignedRecords: number;
  /** Places where a crash left an unfinished line, properly fenced off. */
  readonly recoveries: number;
  /** Records that the device says it lost (best-effort devices). */
  readonly dropped: number;
  /** By what the checkpoints say; no fault of the log. A restore of a backup is one too. */
  readonly setBacks: readonly SetBack[];
  readonly keys: readonly SigningKey[];
  readonly firstFault?: Fault;
}

/** Checks the files as one log, in the order given (oldest first). */
export async function verifyAuditFiles(
  paths: readonly string[],
  options: VerifyOptions = {},
): Promise<Verification> {
  const verifier = new LogVerifier(options);
  for (const path of paths) {
    await verifier.file(path, createReadStream(path, { highWaterMark: 1024 * 1024 }));
  }
  return verifier.finish();
}

/** Checks one stream of chunks. */
export async function verifyLog(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  options: VerifyOptions = {},
): Promise<Verification> {
  const verifier = new LogVerifier(options);
  await verifier.file('', chunks);
  return verifier.finish();
}

interface KnownKey {
  readonly role: 'log' | 'boot';
  readonly publicKey: Buffer;
  readonly check: (checkpoint: Checkpoint, before: ChainPosition) => boolean;
  checkpoints: number;
  trusted: boolean;
}

class LogVerifier {
  readonly #options: VerifyOptions;
  readonly #keys = new Map<string, KnownKey>();
  readonly #pinned: ReadonlySet<string>;
  #file = '';
  #line = 0;
  #last: SeenLine | undefined;
  #inquest: Inquest | undefined;
  #fault: Fault | undefined;
  #origin: string | undefined;
  #firstSeq: number | undefined;
  #records = 0;
  #checkpoints = 0;
  #recordsSinceCheckpoint = 0;
  #signedSeq: number | undefined;
  #recoveries = 0;
  #dropped = 0;
  #store = 0n;
  readonly #setBacks: SetBack[] = [];
  #expectedFound = false;

  constructor(options: VerifyOptions) {
    this.#options = options;
    const pinned = new Set<string>();
    for (const text of options.publicKeys ?? []) {
      const publicKey = parsePublicKey(text);
      if (publicKey === undefined) throw new RangeError('a public key is 32 bytes in base64');
      pinned.add(keyId(publicKey));
      this.#learn('log', publicKey);
    }
    this.#pinned = pinned;
    for (const id of pinned) this.#trust(id);
    this.#expectedFound = options.expected === undefined;
  }

  async file(name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    this.#file = name;
    this.#line = 0;
    const splitter = new LineSplitter((line, terminated) => this.#take(line, terminated));
    for await (const chunk of chunks) {
      splitter.push(chunk);
      if (this.#fault !== undefined) return;
    }
    splitter.end();
  }

  finish(): Verification {
    if (this.#inquest !== undefined) this.#fault ??= this.#inquest.conclude();
    const { expected } = this.#options;
    if (!this.#expectedFound && expected !== undefined) {
      const seq = (this.#last?.seq ?? 0) + 1;
      this.#fault ??= { kind: 'truncated', seq, file: this.#file, line: this.#line + 1 };
    }
    const keys: SigningKey[] = [];
    for (const { role, publicKey, checkpoints, trusted } of this.#keys.values()) {
      keys.push({ role, publicKey: publicKey.toString('base64'), checkpoints, trusted });
    }
    const last = this.#last;
    return {
      ok: this.#fault === undefined,
      records: this.#records,
      checkpoints: this.#checkpoints,
      origin: this.#origin,
      firstSeq: this.#firstSeq,
      last: last === undefined ? undefined : { seq: last.seq, hash: last.hash },
      signedSeq: this.#signedSeq,
      unsignedRecords: this.#recordsSinceCheckpoint,
      recoveries: this.#recoveries,
      dropped: this.#dropped,
      setBacks: this.#setBacks,
      keys,
      ...(this.#fault === undefined ? {} : { firstFault: this.#fault }),
    };
  }

  #take(bytes: Buffer, terminated: boolean): void {
    this.#line++;
    if (this.#fault !== undefined) return;
    const parsed = terminated ? parseLine(bytes) : undefined;
    const place = { file: this.#file, line: this.#line };
    if (parsed === undefined)
      return this.#inquire({ bytes, terminated, seen: undefined, ...place });
    const { seq, prev, type, fields } = parsed;
    const seen: SeenLine = { ...place, seq, prev, type, hash: hashLine(bytes), proven: false };
    const header = type === 'header' ? parseHeader(fields, bytes) : undefined;
    if (this.#inquest?.isFencedBy(seen, header) === true) {
      this.#inquest = undefined;
      this.#recoveries++;
    } else if (this.#inquest !== undefined || !this.#continues(seen, header)) {
      const proven = type === 'checkpoint' && this.#proves(fields, bytes, seen) !== undefined;
      return this.#inquire({ bytes, terminated, seen: { ...seen, proven }, ...place });
    }
    this.#accept(bytes, fields, seen, header);
  }

  #inquire(line: RawLine): void {
    const last = this.#last;
    this.#inquest ??= new Inquest(last, last === undefined || last.seq === this.#firstSeq);
    this.#inquest.next(line);
  }

  /** The line is the one that must come next. */
  #continues(seen: SeenLine, header: Header | undefined): boolean {
    const last = this.#last;
    if (header?.recovered !== undefined) return false;
    if (last !== undefined && seen.seq === last.seq + 1) return seen.prev === last.hash;
    if (header?.opens !== true) return false;
    const begins = seen.prev === CHAIN_START;
    if (last === undefined) return begins === (seen.seq === 1);
    return this.#options.allowRestarts === true && seen.seq === 1 && begins;
  }

  #accept(
    bytes: Buffer,
    fields: Readonly<Record<string, unknown>>,
    seen: SeenLine,
    header: Header | undefined,
  ): void {
    this.#firstSeq ??= seen.seq;
    const { expected } = this.#options;
    if (expected?.seq === seen.seq) this.#expectedFound = expected.hash === seen.hash;
    switch (seen.type) {
      case 'request':
      case 'response':
        this.#records++;
        this.#recordsSinceCheckpoint++;
        break;
      case 'header':
        if (header === undefined) return this.#blame('altered', seen);
        // The node's name may change between two starts.
        this.#origin = header.origin;
        this.#learn(header.signer.role, header.signer.publicKey);
        break;
      case 'checkpoint':
        if (!this.#checkpoint(bytes, fields, seen)) return this.#blame('bad-signature', seen);
        break;
      default:
        return this.#blame('altered', seen);
    }
    this.#last = seen;
  }

  /** The checkpoint on this line, when its signature is good; `undefined` otherwise. */
  #proves(
    fields: Readonly<Record<string, unknown>>,
    bytes: Buffer,
    seen: SeenLine,
  ): { readonly checkpoint: Checkpoint; readonly key: KnownKey } | undefined {
    const checkpoint = parseCheckpoint(fields, bytes);
    if (checkpoint === undefined || checkpoint.origin !== this.#origin) return undefined;
    const key = this.#keys.get(checkpoint.keyId);
    if (key === undefined) return undefined;
    if (!key.check(checkpoint, { seq: seen.seq - 1, hash: seen.prev })) return undefined;
    return { checkpoint, key };
  }

  #checkpoint(bytes: Buffer, fields: Readonly<Record<string, unknown>>, seen: SeenLine): boolean {
    const proof = this.#proves(fields, bytes, seen);
    if (proof === undefined) return false;
    const { checkpoint, key } = proof;
    // With keys from elsewhere, a log key that is none of them proves nothing: whoever rewrote the log could have made it.
    if (this.#pinned.size > 0 && key.role === 'log' && !key.trusted) return false;
    this.#checkpoints++;
    key.checkpoints++;
    this.#dropped = checkpoint.dropped;
    if (checkpoint.store !== undefined)
      this.#follow(BigInt(checkpoint.store), checkpoint.time, seen);
    if (this.#pinned.size === 0 || key.trusted) {
      this.#signedSeq = seen.seq;
      this.#recordsSinceCheckpoint = 0;
    }
    if (key.trusted) for (const id of checkpoint.endorses) this.#trust(id);
    return true;
  }

  #follow(store: bigint, time: string, { seq, file, line }: SeenLine): void {
    if (store < this.#store && this.#setBacks.length < SET_BACKS_MAX) {
      this.#setBacks.push({ seq, time, file, line });
    }
    this.#store = store;
  }

  #learn(role: 'log' | 'boot', publicKey: Buffer): void {
    const id = keyId(publicKey);
    if (this.#keys.has(id)) return;
    const check = createCheckpointVerifier(publicKey);
    this.#keys.set(id, { role, publicKey, check, checkpoints: 0, trusted: false });
  }

  #trust(id: string): void {
    const key = this.#keys.get(id);
    if (key !== undefined) key.trusted = true;
  }

  #blame(kind: FaultKind, seen: SeenLine): void {
    this.#fault = { kind, seq: seen.seq, file: seen.file, line: seen.line };
  }
}
