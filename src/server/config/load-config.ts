/** Reads configuration files and folders in the order given and decodes them as one. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HclError, parseHcl } from '../../base/hcl/parse.ts';
import { ConfigError, treeOfHcl } from './config-tree.ts';
import { codeOf } from './references.ts';
import { decodeConfig } from './server-config.ts';
import type { ConfigEntry, ConfigTree } from './config-tree.ts';
import type { DecodeContext } from './decode-values.ts';
import type { ServerConfig } from './server-config.ts';

/** Most files that one start reads. */
const FILES_MAX = 256;

/**
 * The configuration in `paths`: files, or folders of which every `.hcl` and `.json` file is read in the order of names. A later
 * file overrides an earlier one; listeners and audit devices add up.
 * @throws {ConfigError}
 */
export function loadConfig(paths: readonly string[], context: DecodeContext): ServerConfig {
  const files = paths.flatMap(filesAt);
  if (files.length > FILES_MAX)
    throw new ConfigError(paths.join(', '), `more than ${FILES_MAX} files`);
  if (files.length === 0) throw new ConfigError(paths.join(', '), 'there is no .hcl or .json file');
  const entries: ConfigEntry[] = files.flatMap((file) => [...readTree(file).entries]);
  return decodeConfig({ entries }, files.at(-1) ?? '', context);
}

function filesAt(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => name.endsWith('.hcl') || name.endsWith('.json'))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    throw new ConfigError(path, `cannot be read: ${codeOf(error)}`, error);
  }
}

function readTree(file: string): ConfigTree {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, `cannot be read: ${codeOf(error)}`, error);
  }
  return parseConfigText(text, file);
}

/** The tree of one file's text. @throws {ConfigError} */
export function parseConfigText(text: string, file: string): ConfigTree {
  try {
    return treeOfHcl(parseHcl(text), file);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    const { line, column } = error.position;
    const problem = error.message.replace(/^At \d+:\d+: /, '');
    throw new ConfigError(`${file}:${line}:${column}`, problem, error);
  }
}
