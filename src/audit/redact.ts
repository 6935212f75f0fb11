/**
 * Turns a request's or reply's data into JSON in which every scalar is hashed. What may stay in clear is an allow-list: keys of
 * maps, `null`, and values under the keys that the mount's settings name. A type that is not known here is never written out.
 */
import { isRawNumber } from '../base/json.ts';
import { ScalarHashes } from './mac.ts';
import { keyText } from './members.ts';
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

/** Thrown inside, when a structure is past a limit. */
class TooMuch extends Error {}

/** Hashes data under one device's key. */
export class Redactor {
  readonly #mac: Mac;
  readonly #raw: boolean;
  readonly #scalars: ScalarHashes;
  #valuesLeft = 0;

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
    try {
      return this.#value(value, clearKeys, this.#raw, 0);
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      return `{"elided":${this.#whole(value)}}`;
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

  #value(value: unknown, clearKeys: readonly string[], clear: boolean, depth: number): string {
    switch (typeof value) {
      case 'string':
        this.#count();
        return clear ? JSON.stringify(value) : `"${this.#scalars.text(value)}"`;
      case 'number':
        this.#count();
        if (clear) return Number.isFinite(value) ? String(value) : 'null';
        return `"${this.#scalars.number(value)}"`;
      case 'boolean':
        this.#count();
        return clear ? String(value) : `"${this.#scalars.boolean(value)}"`;
      case 'bigint':
        this.#count();
        return clear ? String(value) : `"${this.#mac.of(String(value))}"`;
      case 'object':
        return value === null ? 'null' : this.#object(value, clearKeys, clear, depth);
      case 'undefined':
        return 'null';
      default:
        return '"[unrecorded]"';
    }
  }

  #object(value: object, clearKeys: readonly string[], clear: boolean, depth: number): string {
    this.#count();
    if (depth >= REDACTED_DEPTH_MAX) throw new TooMuch();
    if (Array.isArray(value)) {
      // Joined, not added to each other: a long list would stay a tree of thousands of texts until it is written.
      const items: string[] = [];
      for (const item of value) items.push(this.#value(item, clearKeys, clear, depth + 1));
      return `[${items.join(',')}]`;
    }
    if (value instanceof Uint8Array) {
      if (!clear) return `"${this.#mac.of(value)}"`;
      return JSON.stringify(Buffer.from(value).toString('base64'));
    }
    if (isRawNumber(value)) {
      return clear ? value.rawJSON : `"${this.#mac.of(value.rawJSON)}"`;
    }
    if (value instanceof Date) {
      const text = Number.isNaN(value.getTime()) ? '' : value.toISOString();
      return clear ? JSON.stringify(text) : `"${this.#scalars.text(text)}"`;
    }
    if (value instanceof Map) {
      let text = '{';
      for (const [key, item] of value as Map<unknown, unknown>) {
        text = this.#member(text, String(key), item, clearKeys, depth);
      }
      return `${text}}`;
    }
    if (!isPlain(value)) return '"[unrecorded]"';
    let text = '{';
    for (const key of Object.keys(value)) {
      const item = value[key];
      if (item === undefined) continue;
      text = this.#member(text, key, item, clearKeys, depth);
    }
    return `${text}}`;
  }

  #member(
    before: string,
    key: string,
    item: unknown,
    clearKeys: readonly string[],
    depth: number,
  ): string {
    const clear = this.#raw || (clearKeys.length > 0 && clearKeys.includes(key));
    const name =
      key.length > REDACTED_KEY_LENGTH_MAX && !this.#raw ? `"${this.#mac.of(key)}"` : keyText(key);
    const separator = before.length > 1 ? ',' : '';
    return `${before}${separator}${name}:${this.#value(item, clearKeys, clear, depth + 1)}`;
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
      return '"[unrecorded]"';
    }
    return `"${this.#mac.of(text)}"`;
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
