/**
 * A configuration file as a tree, the same for HCL and JSON: `listener "tcp" { … }` in HCL and `{"listener":[{"tcp":{…}}]}` in
 * JSON mean the same, so a block's label is one more level of the tree.
 */
import type { HclFile, HclNode, ObjectNode } from '../hcl/parse.ts';

export type ConfigValue = string | number | boolean | null | readonly ConfigValue[] | ConfigTree;

export interface ConfigTree {
  readonly entries: readonly ConfigEntry[];
}

export interface ConfigEntry {
  readonly key: string;
  readonly value: ConfigValue;
  /** `FILE:LINE:COLUMN`, or the file alone where no position is known. */
  readonly where: string;
}

/** A configuration that cannot be used. The text begins with the place and never holds a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(where: string, problem: string, cause?: unknown) {
    super(`${where}: ${problem}`, cause === undefined ? undefined : { cause });
  }
}

export function isTree(value: ConfigValue): value is ConfigTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One block: its labels and its body. */
export interface ConfigBlock {
  readonly labels: readonly string[];
  readonly body: ConfigTree;
  readonly where: string;
}

/** The blocks under an entry that carries `labelCount` labels, whichever way they are nested in lists and objects. */
export function blocksOf(entry: ConfigEntry, labelCount: number): ConfigBlock[] {
  if (Array.isArray(entry.value)) {
    return (entry.value as readonly ConfigValue[]).flatMap((value) =>
      blocksOf({ ...entry, value }, labelCount),
    );
  }
  if (!isTree(entry.value)) {
    throw new ConfigError(entry.where, `${entry.key} is a block: write ${entry.key} { … }`);
  }
  if (labelCount === 0) return [{ labels: [], body: entry.value, where: entry.where }];
  return entry.value.entries.flatMap((child) =>
    blocksOf(child, labelCount - 1).map((block) => ({
      ...block,
      labels: [child.key, ...block.labels],
    })),
  );
}

/** A parsed file as a tree; its entries name `file` and their place in it. */
export function treeOfHcl(parsed: HclFile, file: string): ConfigTree {
  return treeOfObject(parsed.body, file);
}

function treeOfObject(node: ObjectNode, file: string): ConfigTree {
  return {
    entries: node.items.map((item) => {
      let entry: ConfigEntry | undefined;
      for (const key of item.keys.toReversed()) {
        const { line, column } = key.position;
        entry = {
          key: key.name,
          value: entry === undefined ? valueOfHcl(item.value, file) : { entries: [entry] },
          where: `${file}:${line}:${column}`,
        };
      }
      return entry as ConfigEntry;
    }),
  };
}

function valueOfHcl(node: HclNode, file: string): ConfigValue {
  switch (node.kind) {
    case 'object':
      return treeOfObject(node, file);
    case 'list':
      return node.elements.map((element) => valueOfHcl(element.value, file));
    case 'null':
      return null;
    default:
      return node.value;
  }
}
