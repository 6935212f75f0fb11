/** Reading a parsed tree: labelled blocks and typed values, with errors that name the place. */
import { HclError } from './ast.ts';
import type { HclNode, ObjectItem, ObjectNode, Position } from './ast.ts';

/** `name "label" … { body }`, or the same as nested objects (`name = { label = { … } }`, JSON). */
export interface Block {
  readonly labels: readonly string[];
  readonly body: ObjectNode;
  /** Where its last label stands, or its name when it has none. */
  readonly position: Position;
}

const KIND_NAMES: Readonly<Record<HclNode['kind'], string>> = {
  object: 'an object',
  list: 'a list',
  string: 'a string',
  number: 'a number',
  bool: 'a boolean',
  null: 'null',
};

function mismatch(what: string, wanted: string, node: HclNode): HclError {
  return new HclError(`${what}: expected ${wanted}, got ${KIND_NAMES[node.kind]}`, node.position);
}

/** Items that begin with the key `name`, in order: what stands under a key may be given several times. */
export function itemsNamed(body: ObjectNode, name: string): readonly ObjectItem[] {
  return body.items.filter((item) => item.keys[0].name === name);
}

/** The values assigned to `name`, in order. @throws {HclError} it is a labelled block */
export function valuesNamed(body: ObjectNode, name: string): readonly HclNode[] {
  return itemsNamed(body, name).map((item) => {
    const label = item.keys[1];
    if (label !== undefined) throw new HclError(`${name} takes no label`, label.position);
    return item.value;
  });
}

/**
 * Every block called `name`, each with exactly `labelCount` labels, in the order of the text.
 * @throws {HclError} too few or too many labels, or no object
 */
export function blocksNamed(body: ObjectNode, name: string, labelCount: number): readonly Block[] {
  const blocks: Block[] = [];
  for (const item of itemsNamed(body, name)) collect(item, 1, [], name, labelCount, blocks);
  return blocks;
}

function collect(
  item: ObjectItem,
  firstLabel: number,
  outer: readonly string[],
  name: string,
  labelCount: number,
  blocks: Block[],
): void {
  const keys = item.keys.slice(firstLabel);
  const labels = [...outer, ...keys.map((key) => key.name)];
  const position = (item.keys.at(-1) ?? item.keys[0]).position;
  if (labels.length > labelCount) {
    throw new HclError(`${name}: ${labelCount} label(s) expected, got ${labels.length}`, position);
  }
  for (const node of objectsOf(item.value, name)) {
    if (labels.length === labelCount) blocks.push({ labels, body: node, position });
    else for (const inner of node.items) collect(inner, 0, labels, name, labelCount, blocks);
  }
}

/** The object, or the objects of a list of objects (JSON writes repeated blocks so). */
function objectsOf(node: HclNode, what: string): readonly ObjectNode[] {
  if (node.kind === 'object') return [node];
  if (node.kind !== 'list') throw mismatch(what, 'an object', node);
  return node.elements.map(({ value }) => {
    if (value.kind !== 'object') throw mismatch(what, 'an object', value);
    return value;
  });
}

/** First keys of the body that are not in `allowed`, with their places. */
export function unknownKeys(
  body: ObjectNode,
  allowed: ReadonlySet<string>,
): readonly { readonly name: string; readonly position: Position }[] {
  return body.items.map((item) => item.keys[0]).filter((key) => !allowed.has(key.name));
}

/** The object. @throws {HclError} */
export function asObject(node: HclNode, what: string): ObjectNode {
  if (node.kind !== 'object') throw mismatch(what, 'an object', node);
  return node;
}

/** A string; a number counts as its text. @throws {HclError} */
export function asString(node: HclNode, what: string): string {
  if (node.kind === 'string') return node.value;
  if (node.kind === 'number' && !node.float) return node.text;
  throw mismatch(what, 'a string', node);
}

/** A whole number, also as text. @throws {HclError} */
export function asInteger(node: HclNode, what: string): number {
  const text =
    node.kind === 'string' && /^[+-]?\d{1,16}$/.test(node.value) ? node.value : undefined;
  const value =
    text !== undefined ? Number(text) : node.kind === 'number' && !node.float ? node.value : NaN;
  if (!Number.isSafeInteger(value)) throw mismatch(what, 'a whole number', node);
  return value;
}

/** A boolean. @throws {HclError} */
export function asBoolean(node: HclNode, what: string): boolean {
  if (node.kind !== 'bool') throw mismatch(what, 'a boolean', node);
  return node.value;
}

/** A list of strings. @throws {HclError} */
export function asStringList(node: HclNode, what: string): readonly string[] {
  if (node.kind !== 'list') throw mismatch(what, 'a list', node);
  return node.elements.map(({ value }, index) => asString(value, `${what}[${index}]`));
}

/** What a tree stands for, without places: objects have no prototype, a repeated key keeps its last value. */
export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** The plain value of a node; a labelled block inside becomes nested objects. */
export function toPlain(node: HclNode): PlainValue {
  switch (node.kind) {
    case 'object':
      return plainObject(node);
    case 'list':
      return node.elements.map((element) => toPlain(element.value));
    case 'null':
      return null;
    default:
      return node.value;
  }
}

function plainObject(node: ObjectNode): PlainValue {
  const result = Object.create(null) as Record<string, PlainValue>;
  for (const item of node.items) {
    const names = item.keys.map((key) => key.name);
    const last = names.pop() ?? '';
    let target = result;
    for (const name of names) {
      const found = target[name];
      const inner =
        typeof found === 'object' && found !== null && !Array.isArray(found)
          ? (found as Record<string, PlainValue>)
          : (Object.create(null) as Record<string, PlainValue>);
      target[name] = inner;
      target = inner;
    }
    target[last] = toPlain(item.value);
  }
  return result;
}
