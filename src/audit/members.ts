/** JSON objects put together member by member: the clear part of a record. */

/** Longest of the clear texts that a caller can choose (path, display name, metadata). */
const CLEAR_TEXT_LENGTH_MAX = 4096;
/** Texts that JSON writes as they are. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** A text in clear, as JSON. */
export function clearText(text: string): string {
  if (text.length > CLEAR_TEXT_LENGTH_MAX) {
    return JSON.stringify(`${text.slice(0, CLEAR_TEXT_LENGTH_MAX)}…`);
  }
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Names whose text is kept, and the longest of them. */
const KEPT_NAMES_MAX = 512;
const KEPT_NAME_LENGTH_MAX = 64;

/** Names of members in clear, as JSON with the colon behind. Most are those of paths, and recur: their text is kept. */
export class Names {
  readonly #kept = new Map<string, string>();

  /** @param name however long. */
  of(name: string): string {
    return this.#kept.get(name) ?? this.#render(name);
  }

  #render(name: string): string {
    const text = `${JSON.stringify(name)}:`;
    if (name.length <= KEPT_NAME_LENGTH_MAX) {
      // Callers may choose names: whatever came is let go, and what recurs comes again.
      if (this.#kept.size >= KEPT_NAMES_MAX) this.#kept.clear();
      this.#kept.set(name, text);
    }
    return text;
  }
}

/** Collects the members of a JSON object, leaving out empty ones as Go's `omitempty` does. Names are plain words. */
export class Members {
  /** What there is so far, without braces. */
  members = '';

  /** Finished JSON; empty text = nothing. */
  json(name: string, value: string): void {
    if (value !== '') this.part(`"${name}":${value}`);
  }

  text(name: string, value: string | undefined): void {
    if (value !== undefined && value !== '') this.part(`"${name}":${clearText(value)}`);
  }

  number(name: string, value: number | undefined): void {
    if (value !== undefined && value !== 0 && Number.isFinite(value)) {
      this.part(`"${name}":${String(value)}`);
    }
  }

  list(name: string, values: readonly string[]): void {
    if (values.length > 0) this.part(`"${name}":${JSON.stringify(values)}`);
  }

  map(name: string, values: Readonly<Record<string, string>> | null): void {
    if (values !== null && hasMembers(values)) this.part(`"${name}":${JSON.stringify(values)}`);
  }

  /** Several finished members. */
  part(members: string): void {
    if (members !== '') this.members += this.members === '' ? members : `,${members}`;
  }

  object(): string {
    return `{${this.members}}`;
  }
}

/** True when an object has anything to show. */
export function hasMembers(data: object): boolean {
  for (const key in data) if (Object.hasOwn(data, key)) return true;
  return false;
}
