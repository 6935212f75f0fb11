/** Reads configuration files and folders in the order given, as one tree. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HclError, parseHcl } from '../hcl/parse.ts';
import { ConfigError, treeOfHcl } from './config-tree.ts';
import { codeOf } from './references.ts';
import type { ConfigEntry, ConfigTree } from './config-tree.ts';

/** Most files that one start reads. */
const FILES_MAX = 256;

export interface ConfigFiles {
  readonly tree: ConfigTree;
  /** The last file, for errors that have no better place. */
  readonly where: string;
}

/**
 * What stands in `paths`: files, or folders of which every `.hcl` and `.json` file is read in the order of names.
 * @throws {ConfigError}
 */
export function readConfigFiles(paths: readonly string[]): ConfigFiles {
  const files = paths.flatMap(filesAt);
  if (files.length > FILES_MAX)
    throw new ConfigError(paths.join(', '), `more than ${FILES_MAX} files`);
  if (files.length === 0) throw new ConfigError(paths.join(', '), 'there is no .hcl or .json file');
  const entries: ConfigEntry[] = files.flatMap((file) => [...readTree(file).entries]);
  return { tree: { entries }, where: files.at(-1) ?? '' };
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
