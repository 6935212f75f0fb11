/**
 * Flags as data, and the parser for them. The grammar is that of Go's flag package, which people's scripts are written in:
 * one dash or two, `-name=value` or `-name value`, booleans alone or `-name=false`, nothing after the first plain argument.
 */
import { closestName } from '../base/config/suggest.ts';
import { parseBoolean, parseDurationMs } from '../client/environment.ts';

export type FlagKind =
  | 'text'
  | 'boolean'
  | 'integer'
  | 'duration'
  /** Given several times, each adds one. */
  | 'list'
  /** `key=value`, given several times. */
  | 'map';

export interface Flag {
  readonly name: string;
  readonly kind: FlagKind;
  readonly usage: string;
  readonly aliases?: readonly string[];
  /** Shown in help only; commands state their own defaults. */
  readonly default?: string;
  /** Name of the variable without prefix ("ADDR") that gives the value when the flag does not. */
  readonly variable?: string;
  /** Accepted, but neither shown nor completed. */
  readonly hidden?: boolean;
  /** What completion offers: a fixed set, or names of files. */
  readonly complete?: readonly string[] | 'file' | 'folder';
}

export class FlagError extends Error {
  override readonly name = 'FlagError';
}

/** The flags of one invocation. Asking for a flag that the command does not declare is a programming error. */
export class FlagValues {
  readonly #declared: ReadonlyMap<string, Flag>;
  readonly #values = new Map<string, string[]>();

  constructor(declared: readonly Flag[]) {
    this.#declared = new Map(declared.map((flag) => [flag.name, flag]));
  }

  /** @throws {FlagError} when the value does not suit the flag. */
  set(flag: Flag, value: string): void {
    assertValue(flag, value);
    const values =
      flag.kind === 'list' || flag.kind === 'map' ? this.#values.get(flag.name) : undefined;
    this.#values.set(flag.name, [...(values ?? []), value]);
  }

  declares(name: string): boolean {
    return this.#declared.has(name);
  }

  isSet(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  text(name: string): string {
    return this.#get(name)?.at(-1) ?? '';
  }

  boolean(name: string, fallback = false): boolean {
    const text = this.#get(name)?.at(-1);
    return text === undefined ? fallback : (parseBoolean(text) ?? fallback);
  }

  integer(name: string, fallback: number): number {
    const text = this.#get(name)?.at(-1);
    return text === undefined ? fallback : Number(text);
  }

  /** Milliseconds; `system` is -1000, as it always was. */
  durationMs(name: string, fallbackMs = 0): number {
    const text = this.#get(name)?.at(-1);
    return text === undefined ? fallbackMs : (durationMs(text) ?? fallbackMs);
  }

  list(name: string): string[] {
    return (this.#get(name) ?? []).map((text) => text.trim());
  }

  map(name: string): Map<string, string> {
    return new Map(
      (this.#get(name) ?? []).map((text) => {
        const equals = text.indexOf('=');
        return [text.slice(0, equals), text.slice(equals + 1)];
      }),
    );
  }

  #get(name: string): string[] | undefined {
    if (!this.#declared.has(name)) throw new Error(`the command declares no flag -${name}`);
    return this.#values.get(name);
  }
}

export interface ParsedArguments {
  readonly flags: FlagValues;
  readonly positional: readonly string[];
}

/** @throws {FlagError} for an unknown flag or a value of the wrong kind. */
export function parseFlags(declared: readonly Flag[], argv: readonly string[]): ParsedArguments {
  const byName = new Map<string, Flag>();
  for (const flag of declared) {
    for (const name of [flag.name, ...(flag.aliases ?? [])]) byName.set(name, flag);
  }
  const flags = new FlagValues(declared);
  let index = 0;
  for (; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (argument === '--') {
      index++;
      break;
    }
    if (!argument.startsWith('-') || argument === '-') break;
    const { name, value } = splitFlag(argument);
    const flag = byName.get(name);
    if (flag === undefined) throw unknownFlag(name, [...byName.values()]);
    if (value !== undefined) flags.set(flag, value);
    else if (flag.kind === 'boolean') flags.set(flag, 'true');
    else {
      index++;
      const next = argv[index];
      if (next === undefined) throw new FlagError(`flag needs an argument: -${name}`);
      flags.set(flag, next);
    }
  }
  return { flags, positional: argv.slice(index) };
}

function splitFlag(argument: string): { name: string; value: string | undefined } {
  const body = argument.slice(argument.startsWith('--') ? 2 : 1);
  if (body === '' || body.startsWith('-') || body.startsWith('=')) {
    throw new FlagError(`bad flag syntax: ${argument}`);
  }
  const equals = body.indexOf('=');
  if (equals === -1) return { name: body, value: undefined };
  return { name: body.slice(0, equals), value: body.slice(equals + 1) };
}

function unknownFlag(name: string, declared: readonly Flag[]): FlagError {
  const names = declared.filter((flag) => flag.hidden !== true).map((flag) => flag.name);
  const near = closestName(name, names);
  const hint = near === undefined ? '' : `\nDid you mean -${near}?`;
  return new FlagError(`flag provided but not defined: -${name}${hint}`);
}

function assertValue(flag: Flag, value: string): void {
  const say = (kind: string, why: string): FlagError =>
    new FlagError(
      `invalid ${kind}value ${JSON.stringify(value)} for ${kind === '' ? 'flag ' : ''}-${flag.name}: ${why}`,
    );
  switch (flag.kind) {
    case 'boolean':
      if (parseBoolean(value) === undefined) throw say('boolean ', 'want true or false');
      break;
    case 'integer':
      if (!/^[+-]?\d{1,15}$/.test(value)) throw say('', 'want a whole number');
      break;
    case 'duration':
      if (durationMs(value) === undefined) throw say('', 'want a duration such as 30s, 5m or 1h');
      break;
    case 'map':
      if (!value.includes('=')) throw say('', `missing = in KV pair: ${JSON.stringify(value)}`);
      break;
    case 'text':
    case 'list':
  }
}

function durationMs(text: string): number | undefined {
  return parseDurationMs(text === 'system' ? '-1' : text === '' ? '0' : text);
}
