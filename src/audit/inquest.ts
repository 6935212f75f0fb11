/**
 * Names what happened at the first place where a chain breaks. It looks at the line before the break, at the lines after it,
 * and whether the line that should have come turns up later. Memory is constant: three lines and a few hashes.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';

import { CHAIN_START, TORN_BYTES_MAX } from './chain.ts';
import type { Header } from './checkpoint.ts';

export type FaultKind =
  | 'altered'
  | 'missing'
  | 'reordered'
  | 'inserted'
  | 'truncated'
  | 'bad-signature';

export interface Fault {
  readonly kind: FaultKind;
  /** Number of the first record concerned; for `bad-signature` the checkpoint's: all since the last good one is in doubt. */
  readonly seq: number;
  readonly file: string;
  /** In that file, from 1. */
  readonly line: number;
}

/** A line that has the form of one. */
export interface SeenLine {
  readonly file: string;
  readonly line: number;
  readonly seq: number;
  readonly prev: string;
  readonly type: string;
  readonly hash: string;
  /** A checkpoint whose signature is good for the number and predecessor that it names. */
  readonly proven: boolean;
}

export interface RawLine {
  readonly file: string;
  readonly line: number;
  readonly bytes: Buffer;
  readonly terminated: boolean;
  readonly seen: SeenLine | undefined;
}

type Place = Pick<RawLine, 'file' | 'line'>;

export class Inquest {
  /** The last line that was in order; undefined at the beginning of the log. */
  readonly #before: SeenLine | undefined;
  /** Nothing but `before` itself vouches for its number. */
  readonly #beforeIsFirst: boolean;
  /** Place and, if it has the form, content of the line that broke the chain, and of the two after it. */
  readonly #lines: {
    readonly place: Place;
    readonly terminated: boolean;
    readonly seen: SeenLine | undefined;
  }[] = [];
  /** Where the line that should have come turned up. */
  #expectedLater: SeenLine | undefined;
  /** With the first line left out, the chain goes on up to here … */
  #without: SeenLine | undefined;
  /** … and breaks where the first line's own number is due. */
  #missedLater = false;
  #region: Hash | undefined = createHash('sha256');
  #regionBytes = 0;
  /** A good checkpoint stands among the bytes since the break: they were no unfinished write. */
  #provenInside = false;
  /** No line since the break has the form of one, and the last has no end: what a server leaves that dies while it is fencing off. */
  #unfinished = true;
  #lastTerminated = true;

  constructor(before: SeenLine | undefined, beforeIsFirst: boolean) {
    this.#before = before;
    this.#beforeIsFirst = beforeIsFirst;
    this.#without = before;
  }

  next(line: RawLine): void {
    const { file, line: number, terminated, seen } = line;
    const first = this.#lines.length === 0;
    if (seen?.proven === true) this.#provenInside = true;
    if (seen !== undefined) this.#unfinished = false;
    this.#lastTerminated = terminated;
    if (this.#lines.length < 2)
      this.#lines.push({ place: { file, line: number }, terminated, seen });
    if (seen !== undefined && !first) {
      if (this.#isExpected(seen)) {
        this.#expectedLater = seen;
        this.#without = seen;
      } else this.#follow(seen);
    }
    this.#extendRegion(line.bytes);
  }

  /** The line is a header that names exactly the bytes since the break as left over from a crash. */
  isFencedBy(seen: SeenLine, header: Header | undefined): boolean {
    if (header?.recovered === undefined || this.#region === undefined) return false;
    if (this.#provenInside) return false;
    const before = this.#before;
    const expectedSeq = (before?.seq ?? 0) + 1;
    const expectedPrev = before?.hash ?? CHAIN_START;
    if (seen.seq !== expectedSeq || seen.prev !== expectedPrev) return false;
    if (header.recovered.bytes !== this.#regionBytes) return false;
    return header.recovered.sha256 === this.#region.copy().digest('hex');
  }

  conclude(): Fault {
    const [first, second] = this.#lines;
    if (first === undefined) throw new Error('an inquest needs a line');
    const { place } = first;
    const before = this.#before;
    const x = first.seen;
    const y = second?.seen;
    if (before === undefined) return this.#atBeginning(place, x, y);
    const expected = before.seq + 1;
    if (x === undefined) {
      if (this.#unfinished && !this.#lastTerminated) return fault('truncated', expected, place);
      const inserted = this.#expectedLater !== undefined;
      return fault(inserted ? 'inserted' : 'altered', expected, place);
    }
    if (x.seq === expected) {
      // The line is in order but names unfinished bytes before it that are not there.
      if (x.prev === before.hash) return fault('altered', expected, place);
      if (y !== undefined && this.#isNext(y, before)) return fault('inserted', expected, place);
      // The line is as it was written when the next one vouches for it; then it is the line before that was changed.
      const vouched = y === undefined ? x.type !== 'checkpoint' || x.proven : y.prev === x.hash;
      return vouched ? fault('altered', before.seq, before) : fault('altered', expected, place);
    }
    if (x.prev === before.hash) return fault('altered', expected, place);
    if (x.seq < expected) {
      if (x.seq === before.seq && x.prev === before.prev && x.hash !== before.hash) {
        // Two lines claim one place: the one that the next line vouches for is right.
        const right = y === undefined ? x.proven : y.prev === x.hash;
        return fault('inserted', x.seq, right ? before : place);
      }
      const additional = x.hash === before.hash || this.#expectedLater !== undefined;
      if (this.#beforeIsFirst && !additional) {
        return fault('altered', Math.max(1, x.seq - 1), before);
      }
      return fault('inserted', x.seq, place);
    }
    if (this.#expectedLater === undefined) return fault('missing', expected, place);
    const nextIsExpected = y !== undefined && this.#isNext(y, before);
    const inserted = nextIsExpected && !this.#isMissed(x);
    return fault(inserted ? 'inserted' : 'reordered', expected, place);
  }

  /** The log does not begin with a proper header. */
  #atBeginning(place: Place, x: SeenLine | undefined, y: SeenLine | undefined): Fault {
    if (this.#expectedLater !== undefined) {
      const leads = x === undefined || x.seq === this.#expectedLater.seq;
      const inserted = leads || (this.#expectedLater === y && !this.#isMissed(x));
      return fault(inserted ? 'inserted' : 'reordered', this.#expectedLater.seq, place);
    }
    const intact = x !== undefined && y?.prev === x.hash;
    if (intact && x.seq > 1) return fault('missing', x.seq - 1, place);
    return fault('altered', y === undefined ? 1 : Math.max(1, y.seq - 1), place);
  }

  /** A line too many, or one from further on? Without it, is its own number the one that is missed? */
  #isMissed(x: SeenLine): boolean {
    const end = this.#without;
    return this.#missedLater || (end !== undefined && this.#isNext(x, end));
  }

  #isNext(seen: SeenLine, before: SeenLine): boolean {
    return seen.seq === before.seq + 1 && seen.prev === before.hash;
  }

  #isExpected(seen: SeenLine): boolean {
    const before = this.#before;
    if (before !== undefined) {
      return this.#expectedLater === undefined && this.#isNext(seen, before);
    }
    if (this.#expectedLater?.seq === 1) return false;
    // At the beginning the first two lines say which line should have come first.
    const [first, second] = this.#lines;
    const precedes = (later: SeenLine | undefined): boolean =>
      later !== undefined && later.prev === seen.hash && later.seq === seen.seq + 1;
    if (second?.seen === seen && seen.type === 'header' && seen.seq === 1) return true;
    return precedes(this.#expectedLater) || precedes(first?.seen) || precedes(second?.seen);
  }

  /** Goes along the chain as if the first line were not there. */
  #follow(seen: SeenLine): void {
    const last = this.#without;
    if (last === undefined || this.#missedLater) return;
    if (seen.seq === last.seq + 1 && seen.prev === last.hash) this.#without = seen;
    else if (this.#lines[0]?.seen?.seq === last.seq + 1) this.#missedLater = true;
  }

  #extendRegion(bytes: Buffer): void {
    if (this.#region === undefined) return;
    this.#regionBytes += bytes.length + 1;
    // Foreign text before the first line may be long; after a line of ours a crash leaves no more than this.
    if (this.#before !== undefined && this.#regionBytes > TORN_BYTES_MAX) {
      this.#region = undefined;
      return;
    }
    this.#region.update(bytes);
    this.#region.update('\n');
  }
}

function fault(kind: FaultKind, seq: number, { file, line }: Place): Fault {
  return { kind, seq, file, line };
}
