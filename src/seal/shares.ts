/** Key shares: their text form, their rules, and collecting them until the threshold is met. */
import { type Random, uuid } from '../base/random.ts';
import { equalConstantTime, ownCopy, wipe } from '../crypto/secret-bytes.ts';
import { combineShares, splitSecret } from '../crypto/shamir.ts';
import { invalidRequest } from '../model/errors.ts';
import { SEAL_KEY_BYTES, type Sharing } from './seal.ts';

const SHARE_BYTES_MIN = 16;
/** A share has its coordinate behind the key's bytes. */
const SHARE_BYTES_MAX = SEAL_KEY_BYTES + 1;
const SHARES_MAX = 255;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Why `sharing` cannot be, in Vault's order of checks; undefined = it can. */
export function sharingFault(sharing: Sharing): string | undefined {
  const { shares, threshold } = sharing;
  if (!Number.isInteger(shares) || !Number.isInteger(threshold)) return 'shares must be integers';
  if (shares < 1) return 'shares must be at least one';
  if (threshold < 1) return 'threshold must be at least one';
  if (shares > 1 && threshold < 2) return 'threshold must be greater than one for multiple shares';
  if (shares > SHARES_MAX) return 'shares must be less than 256';
  if (threshold > SHARES_MAX) return 'threshold must be less than 256';
  if (threshold > shares) return 'threshold cannot be larger than shares';
  return undefined;
}

/**
 * Reads a share as hexadecimal or base64 text, into a buffer for the caller to wipe. Text that could be both is
 * hexadecimal if it then has the length of a share.
 * @throws {RequestError} `invalid_request`
 */
export function parseShare(text: string): Buffer {
  const hexBytes = text.length / 2;
  if (HEX.test(text) && hexBytes >= SHARE_BYTES_MIN && hexBytes <= SHARE_BYTES_MAX) {
    return ownCopy(Buffer.from(text, 'hex'));
  }
  if (!BASE64.test(text)) throw invalidRequest("'key' must be a valid hex or base64 string");
  const share = ownCopy(Buffer.from(text, 'base64'));
  const fault =
    share.length < SHARE_BYTES_MIN
      ? `key is shorter than minimum ${SHARE_BYTES_MIN} bytes`
      : share.length > SHARE_BYTES_MAX
        ? `key is longer than maximum ${SHARE_BYTES_MAX} bytes`
        : undefined;
  if (fault === undefined) return share;
  wipe(share);
  throw invalidRequest(`invalid key: ${fault}`);
}

/** A new random key, shared out. One share is the key itself. Both are for the caller to wipe. */
export function generateShares(
  sharing: Sharing,
  random: Random,
): { readonly key: Buffer; readonly shares: Buffer[] } {
  const key = random.bytes(SEAL_KEY_BYTES);
  return { key, shares: sharing.shares === 1 ? [ownCopy(key)] : splitSecret(key, sharing, random) };
}

/** The two text forms in which shares are handed out. Wipes the shares. */
export function encodeShares(shares: readonly Buffer[]): { keys: string[]; keysBase64: string[] } {
  const keys = shares.map((share) => share.toString('hex'));
  const keysBase64 = shares.map((share) => share.toString('base64'));
  for (const share of shares) wipe(share);
  return { keys, keysBase64 };
}

/** Collects different shares under a nonce. */
export class ShareCollector {
  readonly #random: Random;
  readonly #shares: Buffer[] = [];
  #nonce = '';

  constructor(random: Random) {
    this.#random = random;
  }

  get count(): number {
    return this.#shares.length;
  }

  /** Identifies this collection; empty before it begins. */
  get nonce(): string {
    return this.#nonce;
  }

  /** Gives the collection its nonce. */
  begin(): void {
    this.reset();
    this.#nonce = uuid(this.#random);
  }

  /** Takes `share` over. @returns false when it is there already. */
  add(share: Buffer): boolean {
    if (this.#shares.some((held) => equalConstantTime(held, share))) {
      wipe(share);
      return false;
    }
    if (this.#nonce === '') this.#nonce = uuid(this.#random);
    this.#shares.push(share);
    return true;
  }

  /**
   * Joins what was collected and forgets the shares, whatever comes of it; the nonce stays.
   * @returns the key for the caller to wipe, or undefined when they are no shares of one key. That a key comes out says
   * nothing: only what it opens does.
   */
  combine(): Buffer | undefined {
    try {
      const [only] = this.#shares;
      return this.#shares.length === 1 && only !== undefined
        ? ownCopy(only)
        : combineShares(this.#shares);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    } finally {
      this.forget();
    }
  }

  /** Wipes the shares and keeps the nonce. */
  forget(): void {
    for (const share of this.#shares.splice(0)) wipe(share);
  }

  /** Wipes the shares and ends the collection. */
  reset(): void {
    this.forget();
    this.#nonce = '';
  }
}
