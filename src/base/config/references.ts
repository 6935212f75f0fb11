/**
 * Values that live elsewhere: `env://NAME` is the value of an environment variable, `file:///path` the content of a file.
 * Any text value may be one, so that no secret has to stand in the configuration file.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigError } from './config-tree.ts';

/** A referenced value is a key, a password or a token; anything larger is a mistake. */
const REFERENCE_BYTES_MAX = 64 * 1024;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The bytes that `text` stands for: of the file or variable it names, or its own. */
export function resolveBytes(text: string, where: string, environment: Environment): Buffer {
  if (text.startsWith('env://')) {
    const name = text.slice('env://'.length);
    const value = environment[name];
    if (value === undefined) {
      throw new ConfigError(where, `the environment variable ${name} is not set`);
    }
    return Buffer.from(value);
  }
  if (!text.startsWith('file://')) return Buffer.from(text);
  try {
    const bytes = readFileSync(fileURLToPath(text));
    if (bytes.length > REFERENCE_BYTES_MAX) {
      throw new ConfigError(where, `${text} is larger than ${REFERENCE_BYTES_MAX} bytes`);
    }
    return bytes;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(where, `cannot read ${text}: ${codeOf(error)}`, error);
  }
}

/** The same as text. A file's last line break is not part of the value. */
export function resolveText(text: string, where: string, environment: Environment): string {
  const bytes = resolveBytes(text, where, environment);
  const value = bytes.toString('utf8');
  return text.startsWith('file://') ? value.replace(/\r?\n$/, '') : value;
}

/** The error code of a failed system call (`ENOENT`), or what else is known. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) {
    return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  }
  return 'unknown error';
}
