/**
 * Turns a request's or reply's data into JSON in which every scalar is hashed. What may stay in clear is an allow-list: keys of
 * maps, `null`, and values under the keys that the mount's settings name. A type that is not known here is never written out.
 */
import { isRawNumber } from '../base/json.ts';
import { MAC_PREFIX, ScalarHashes } from './mac.ts';
import { Names } from './members.ts';
import type { Mac } from './mac.ts';

/** More scalars than this in one body are hashed as a whole, so that a body of tiny strings cannot keep the server busy. */
export const REDACTED_VALUES_MAX = 4096;
/** Deeper structures are hashed as a whole. */
export const REDACTED_DEPTH_MAX = 64;
/** A longer key of a map is no name: it is hashed like a value. */
export const REDACTED_KEY_LENGTH_MAX = 512;
/** Public texts (errors, warnings) are cut at this length. */
export const PUBLIC_TEXT_LENGTH_MAX = 4096;
/** Shorter submitted values are not searched for in public texts: they would hit ordinary words. */
const SCRUBBED_LENGTH_MIN = 6;

const NO_KEYS: readonly string[] = [];
const NOTHING: string[] = [];
const QUOTE = '"';
const HASHED_BEGIN = `"${MAC_PREFIX}`;
/** Stands for what is of no known kind. */
const UNRECORDED = '"[unrecorded]"';

/** Thrown inside, when a structure is past a limit. */
class TooMuch extends Error {}

/** Hashes data under one device's key. */
export class Redactor {
  readonly #mac: Mac;
  readonly #raw: boolean;
  readonly #scalars: ScalarHashes;
  readonly #names = new Names();
  #valuesLeft = 0;
  /**
   * What the text of {@link data} is put together of, in the end and at once: texts that are added to each other stay trees of
   * small objects until they are written, of which a batch of a hundred leaves as many as everything else it does.
   */
  #pieces: string[] = [];

  constructor(mac: Mac, options: { readonly logRaw: boolean }) {
    this.#mac = mac;
    this.#raw = options.logRaw;
    this.#scalars = new ScalarHashes(mac);
  }

  /** A secret text (token, accessor) as a JSON string. */
  secret(text: string): string {
    return this.#raw ? JSON.stringify(text) : `"${this.#scalars.text(text)}"`;
  }

  /** Bytes of a body that has no JSON form. */
  bytes(value: Uint8Array | string): string {
    if (!this.#raw) return `"${this.#mac.of(value)}"`;
    return JSON.stringify(typeof value === 'string' ? value : Buffer.from(value).toString('utf8'));
  }

  /**
   * A structure as JSON text. Values directly or through lists under one of `clearKeys` are written in clear, as Vault's
   * `audit_non_hmac_*_keys` have it: a map below such a key begins anew.
   */
  data(value: unknown, clearKeys: readonly string[] = NO_KEYS): string {
    this.#valuesLeft = REDACTED_VALUES_MAX;
    this.#pieces = [];
    try {
      this.#value(value, clearKeys, this.#raw, 0);
      return this.#pieces.join('');
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      return `{"elided":${this.#whole(value)}}`;
    } finally {
      this.#pieces = NOTHING;
    }
  }

  /** A text meant for callers, with every value that was submitted, or the token, replaced by its hash. */
  publicText(text: string, submitted: unknown, token: string | undefined): string {
    let shown = text.length > PUBLIC_TEXT_LENGTH_MAX ? text.slice(0, PUBLIC_TEXT_LENGTH_MAX) : text;
    if (this.#raw) return JSON.stringify(shown);
    const replace = (secret: string): void => {
      if (secret.length >= SCRUBBED_LENGTH_MIN && shown.includes(secret)) {
        shown = shown.replaceAll(secret, () => this.#mac.of(secret));
      }
    };
    if (token !== undefined) replace(token);
    let left = REDACTED_VALUES_MAX;
    const visit = (value: unknown, depth: number): void => {
      if (--left < 0 || depth > REDACTED_DEPTH_MAX) return;
      if (typeof value === 'string') replace(value);
      else if (Array.isArray(value)) for (const item of value) visit(item, depth + 1);
      else if (isPlain(value)) for (const item of Object.values(value)) visit(item, depth + 1);
    };
    visit(submitted, 0);
    return JSON.stringify(shown);
  }

  #value(value: unknown, clearKeys: readonly string[], clear: boolean, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#count();
        if (clear) this.#pieces.push(JSON.stringify(value));
        else this.#text(value);
        return;
      case 'number':
        this.#count();
        if (clear) this.#pieces.push(Number.isFinite(value) ? String(value) : 'null');
        else this.#quoted(this.#scalars.number(value));
        return;
      case 'boolean':
        this.#count();
        if (clear) this.#pieces.push(String(value));
        else this.#quoted(this.#scalars.boolean(value));
        return;
      case 'bigint':
        this.#count();
        if (clear) this.#pieces.push(String(value));
        else this.#hashed(String(value));
        return;
      case 'object':
        if (value === null) this.#pieces.push('null');
        else this.#object(value, clearKeys, clear, depth);
        return;
      case 'undefined':
        this.#pieces.push('null');
        return;
      default:
        this.#pieces.push(UNRECORDED);
    }
  }

  #object(value: object, clearKeys: readonly string[], clear: boolean, depth: number): void {
    this.#count();
    if (depth >= REDACTED_DEPTH_MAX) throw new TooMuch();
    if (Array.isArray(value)) {
      let before = '[';
      for (const item of value) {
        this.#pieces.push(before);
        this.#value(item, clearKeys, clear, depth + 1);
        before = ',';
      }
      this.#pieces.push(before === '[' ? '[]' : ']');
    } else if (isPlain(value)) {
      // A raw number is such an object too.
      if (isRawNumber(value)) {
        if (clear) this.#pieces.push(value.rawJSON);
        else this.#hashed(value.rawJSON);
        return;
      }
      let first = true;
      for (const key of Object.keys(value)) {
        const item = value[key];
        if (item === undefined) continue;
        this.#member(first, key, item, clearKeys, depth);
        first = false;
      }
      this.#pieces.push(first ? '{}' : '}');
    } else if (value instanceof Map) {
      let first = true;
      for (const [key, item] of value as Map<unknown, unknown>) {
        this.#member(first, String(key), item, clearKeys, depth);
        first = false;
      }
      this.#pieces.push(first ? '{}' : '}');
    } else if (value instanceof Uint8Array) {
      if (clear) this.#pieces.push(JSON.stringify(Buffer.from(value).toString('base64')));
      else this.#hashed(value);
    } else if (value instanceof Date) {
      const text = Number.isNaN(value.getTime()) ? '' : value.toISOString();
      if (clear) this.#pieces.push(JSON.stringify(text));
      else this.#text(text);
    } else {
      this.#pieces.push(UNRECORDED);
    }
  }

  #member(
    first: boolean,
    key: string,
    item: unknown,
    clearKeys: readonly string[],
    depth: number,
  ): void {
    const clear = this.#raw || (clearKeys.length > 0 && clearKeys.includes(key));
    this.#pieces.push(first ? '{' : ',');
    if (key.length > REDACTED_KEY_LENGTH_MAX && !this.#raw) {
      this.#hashed(key);
      this.#pieces.push(':');
    } else {
      this.#pieces.push(this.#names.of(key));
    }
    this.#value(item, clearKeys, clear, depth + 1);
  }

  #text(text: string): void {
    if (text === '') this.#quoted(this.#scalars.text(text));
    else this.#hashed(text);
  }

  #hashed(value: string | Uint8Array): void {
    this.#pieces.push(HASHED_BEGIN, this.#mac.hex(value), QUOTE);
  }

  #quoted(hash: string): void {
    this.#pieces.push(QUOTE, hash, QUOTE);
  }

  #count(): void {
    if (--this.#valuesLeft < 0) throw new TooMuch();
  }

  /** One hash over the JSON text of a structure that is past a limit. */
  #whole(value: unknown): string {
    let text: string;
    try {
      text = JSON.stringify(value) ?? '';
    } catch {
      return UNRECORDED;
    }
    return `"${this.#mac.of(text)}"`;
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
