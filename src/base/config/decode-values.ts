/** Turns the entries of one block into the values that its table promises; unknown and wrong keys are errors with their place. */
import { parseSeconds } from '../duration.ts';
import { ConfigError, blocksOf, isTree } from './config-tree.ts';
import { isUsed } from './key-table.ts';
import { resolveBytes, resolveText } from './references.ts';
import { closestName } from './suggest.ts';
import type { ConfigEntry, ConfigTree, ConfigValue } from './config-tree.ts';
import type { Decoded, Key, KeyTable, KeyType, KeyTypes } from './key-table.ts';
import type { Environment } from './references.ts';

export interface DecodeContext {
  readonly environment: Environment;
  /** Values of command-line flags by the name of their key; they win over the environment, which wins over the files. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Gets one line for every key that is read past. */
  readonly warn: (warning: string) => void;
}

/** Every bit of a file mode that a configuration may set. */
const MODE_MAX = 0o777;
/** Bytes of every key a seal takes (AES-256). */
const KEY_BYTES = 32;

/** Environment variables that override a file, weakest first. */
const ENVIRONMENT_PREFIXES = ['VAULT_', 'BAO_', 'STRONGROOM_'] as const;

/**
 * Decodes `body` by `table`. `title` names the block in messages.
 * @throws {ConfigError}
 */
export function decodeBlock<T extends KeyTable>(
  body: ConfigTree,
  table: T,
  title: string,
  where: string,
  context: DecodeContext,
): Decoded<T> {
  const values = new Map<string, unknown>();
  for (const entry of flatten(body, table, title)) {
    const row = rowOf(table, entry.key);
    if (row === undefined) throw unknownKey(entry, table, title);
    if (!isUsed(row)) {
      if ('refused' in row) {
        throw new ConfigError(entry.where, `${entry.key} is not supported: ${row.refused}`);
      }
      context.warn(`${entry.where}: ${entry.key} is ignored: ${row.ignored}`);
      continue;
    }
    values.set(row.as, decodeValue(entry, row, context.environment));
  }
  for (const [key, row] of Object.entries(table)) {
    if (!isUsed(row)) continue;
    overrideFromOutside(values, key, row, context);
    if (values.has(row.as)) continue;
    if (row.required === true) throw new ConfigError(where, `${title} needs ${key}`);
    values.set(row.as, row.default);
  }
  return Object.fromEntries(values) as Decoded<T>;
}

function rowOf(table: KeyTable, key: string): KeyTable[string] | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function unknownKey(entry: ConfigEntry, table: KeyTable, title: string): ConfigError {
  const close = closestName(entry.key, Object.keys(table));
  const hint = close === undefined ? '' : ` (did you mean ${close}?)`;
  return new ConfigError(entry.where, `unknown key ${entry.key} in ${title}${hint}`);
}

/** The entries of a block, with those of its inner blocks (`telemetry { … }` in a listener) in their place. */
function flatten(body: ConfigTree, table: KeyTable, title: string): ConfigEntry[] {
  const inner = new Set(
    Object.values(table).flatMap((row) =>
      isUsed(row) && row.inside !== undefined ? [row.inside] : [],
    ),
  );
  return body.entries.flatMap((entry) => {
    if (!inner.has(entry.key)) {
      const row = rowOf(table, entry.key);
      if (row !== undefined && isUsed(row) && row.inside !== undefined) {
        throw new ConfigError(entry.where, `${entry.key} belongs inside ${row.inside} { … }`);
      }
      return [entry];
    }
    return blocksOf(entry, 0).flatMap((block) => {
      for (const child of block.body.entries) {
        const row = rowOf(table, child.key);
        if (row === undefined || !isUsed(row) || row.inside !== entry.key) {
          throw unknownKey(child, table, `${title} ${entry.key}`);
        }
      }
      return [...block.body.entries];
    });
  });
}

function overrideFromOutside(
  values: Map<string, unknown>,
  key: string,
  row: Key,
  { environment, flags = {} }: DecodeContext,
): void {
  if (row.environment === undefined) return;
  for (const prefix of ENVIRONMENT_PREFIXES) {
    const name = prefix + row.environment;
    const value = environment[name];
    if (value === undefined || value === '') continue;
    values.set(row.as, decodeValue({ key, value, where: `environment ${name}` }, row, environment));
  }
  const flag = Object.hasOwn(flags, key) ? flags[key] : undefined;
  if (flag === undefined) return;
  const where = `flag -${key.replaceAll('_', '-')}`;
  values.set(row.as, decodeValue({ key, value: flag, where }, row, environment));
}

const DECODERS: {
  readonly [T in KeyType]: (
    entry: ConfigEntry,
    environment: Environment,
  ) => KeyTypes[T] | undefined;
} = {
  text: (entry, environment) => textOf(entry, environment),
  boolean: (entry, environment) => booleanOf(entry, environment),
  integer: (entry, environment) => integerOf(entry, environment),
  duration: (entry, environment) => {
    const value =
      typeof entry.value === 'number' ? entry.value : (textOf(entry, environment) ?? null);
    return value === null ? undefined : parseSeconds(value);
  },
  list: (entry, environment) => listOf(entry.value, entry, environment),
  mode: (entry, environment) => {
    // HCL reads 0640 as the octal number that it is.
    if (typeof entry.value === 'number') return entry.value <= MODE_MAX ? entry.value : undefined;
    const text = textOf(entry, environment) ?? '';
    return /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined;
  },
  key: (entry, environment) => keyOf(entry, environment),
  texts: (entry, environment) => textsOf(entry, environment),
  headers: (entry, environment) => headersOf(entry, environment),
};

const EXPECTED: Readonly<Record<KeyType, string>> = {
  text: 'text',
  boolean: 'true or false',
  integer: 'a whole number',
  duration: 'a duration such as "30s", "1h30m" or "7d"',
  list: 'a list of texts',
  mode: 'an octal file mode such as "0600"',
  key: `${KEY_BYTES} bytes, raw, in hex or in base64`,
  texts: 'a block of texts',
  headers: 'a block of status = { header = [values] }',
};

function decodeValue(entry: ConfigEntry, row: Key, environment: Environment): unknown {
  const value = DECODERS[row.type](entry, environment);
  if (value === undefined) {
    throw new ConfigError(entry.where, `${entry.key} must be ${EXPECTED[row.type]}`);
  }
  if (row.allowed !== undefined && !row.allowed.includes(value as string)) {
    const allowed = row.allowed.map((choice) => `"${choice}"`).join(', ');
    throw new ConfigError(entry.where, `${entry.key} must be one of ${allowed}`);
  }
  if (typeof value === 'number' && value < (row.min ?? 0)) {
    throw new ConfigError(entry.where, `${entry.key} must be at least ${row.min ?? 0}`);
  }
  return value;
}

function textOf(entry: ConfigEntry, environment: Environment): string | undefined {
  return typeof entry.value === 'string'
    ? resolveText(entry.value, entry.where, environment)
    : undefined;
}

/** Vault takes its switches as booleans, as 0 and 1, and as text. */
function booleanOf(entry: ConfigEntry, environment: Environment): boolean | undefined {
  if (typeof entry.value === 'boolean') return entry.value;
  const text = typeof entry.value === 'number' ? String(entry.value) : textOf(entry, environment);
  switch (text?.toLowerCase()) {
    case 'true':
    case 't':
    case '1':
      return true;
    case 'false':
    case 'f':
    case '0':
      return false;
    default:
      return undefined;
  }
}

function integerOf(entry: ConfigEntry, environment: Environment): number | undefined {
  const text =
    typeof entry.value === 'number' ? String(entry.value) : (textOf(entry, environment) ?? '');
  const value = Number(text);
  return /^-?\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined;
}

function listOf(
  value: ConfigValue,
  entry: ConfigEntry,
  environment: Environment,
): string[] | undefined {
  const items = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(items)) return undefined;
  const texts: string[] = [];
  for (const item of items as readonly ConfigValue[]) {
    if (typeof item !== 'string') return undefined;
    const text = resolveText(item.trim(), entry.where, environment);
    if (text !== '') texts.push(text);
  }
  return texts;
}

function keyOf(entry: ConfigEntry, environment: Environment): Buffer | undefined {
  if (typeof entry.value !== 'string') return undefined;
  const bytes = resolveBytes(entry.value, entry.where, environment);
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString('latin1').trim();
  const decoded = /^[0-9a-fA-F]{64}$/.test(text)
    ? Buffer.from(text, 'hex')
    : /^[\w+/-]{43}=?$/.test(text)
      ? Buffer.from(text, 'base64')
      : undefined;
  return decoded?.length === KEY_BYTES ? decoded : undefined;
}

function textsOf(entry: ConfigEntry, environment: Environment): Record<string, string> {
  const texts = Object.create(null) as Record<string, string>;
  for (const child of blocksOf(entry, 0).flatMap((block) => block.body.entries)) {
    if (typeof child.value === 'string') {
      texts[child.key] = resolveText(child.value, child.where, environment);
    } else if (typeof child.value === 'number' || typeof child.value === 'boolean') {
      texts[child.key] = String(child.value);
    } else {
      throw new ConfigError(child.where, `${child.key} must be text`);
    }
  }
  return texts;
}

const STATUS = /^(?:default|[1-5]xx|[1-5]\d\d)$/;

function headersOf(
  entry: ConfigEntry,
  environment: Environment,
): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> | undefined {
  const byStatus = new Map<string, Map<string, readonly string[]>>();
  for (const status of blocksOf(entry, 0).flatMap((block) => block.body.entries)) {
    if (!STATUS.test(status.key)) {
      throw new ConfigError(
        status.where,
        `"${status.key}" is no status: write "default", "4xx" or "404"`,
      );
    }
    const headers = byStatus.get(status.key) ?? new Map<string, readonly string[]>();
    byStatus.set(status.key, headers);
    for (const header of blocksOf(status, 0).flatMap((block) => block.body.entries)) {
      const values = isTree(header.value)
        ? undefined
        : typeof header.value === 'string'
          ? [header.value]
          : listOf(header.value, header, environment);
      if (values === undefined) return undefined;
      headers.set(header.key, values);
    }
  }
  return byStatus;
}
