/** The tree that HCL and its JSON form are parsed to: ordered, nothing merged, every node with its place in the text. */

/** Where something begins: both count from 1, columns in Unicode code points. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Comment {
  /** With its marker (`# …`, `// …`, a whole block comment), without the line's end. */
  readonly text: string;
  readonly position: Position;
  /** Line of its last character. */
  readonly endLine: number;
}

export interface ObjectKey {
  readonly name: string;
  readonly quoted: boolean;
  readonly position: Position;
}

/** `key = value` (assigned) or `key "label" { … }` (a block, whose labels are further keys). */
export interface ObjectItem {
  /** Never empty. */
  readonly keys: readonly [ObjectKey, ...ObjectKey[]];
  readonly assigned: boolean;
  readonly value: HclNode;
  readonly endLine: number;
  readonly leadComments: readonly Comment[];
  readonly lineComment: Comment | undefined;
}

export interface ObjectNode {
  readonly kind: 'object';
  readonly position: Position;
  readonly items: readonly ObjectItem[];
  /** Comments after the last item. */
  readonly trailingComments: readonly Comment[];
}

export interface ListElement {
  readonly value: HclNode;
  readonly leadComments: readonly Comment[];
  readonly lineComment: Comment | undefined;
}

export interface ListNode {
  readonly kind: 'list';
  readonly position: Position;
  readonly endLine: number;
  readonly elements: readonly ListElement[];
  readonly trailingComments: readonly Comment[];
}

export interface StringNode {
  readonly kind: 'string';
  readonly position: Position;
  readonly value: string;
  readonly heredoc: boolean;
}

export interface NumberNode {
  readonly kind: 'number';
  readonly position: Position;
  readonly value: number;
  /** As written: JavaScript's number may not hold all its digits. */
  readonly text: string;
  /** Written with a fraction or an exponent. */
  readonly float: boolean;
}

export interface BoolNode {
  readonly kind: 'bool';
  readonly position: Position;
  readonly value: boolean;
}

/** Only the JSON form has it. */
export interface NullNode {
  readonly kind: 'null';
  readonly position: Position;
}

export type HclNode = ObjectNode | ListNode | StringNode | NumberNode | BoolNode | NullNode;

export interface HclFile {
  readonly syntax: 'hcl' | 'json';
  readonly body: ObjectNode;
}

export interface HclLimits {
  /** Longest text, in bytes of UTF-8. */
  readonly bytesMax: number;
  /** Deepest nesting of objects and lists. */
  readonly depthMax: number;
  /** Most keys, values and comments in the whole text. */
  readonly nodesMax: number;
}

export const HCL_LIMITS: HclLimits = { bytesMax: 1024 * 1024, depthMax: 64, nodesMax: 200_000 };

/** The text is not HCL, or is not what its reader asks for. The message names the place and never more than a key. */
export class HclError extends Error {
  override readonly name = 'HclError';
  readonly position: Position;
  constructor(message: string, position: Position) {
    super(`At ${position.line}:${position.column}: ${message}`);
    this.position = position;
  }
}

/** Counts what a parser makes and refuses too much of it. */
export class HclBudget {
  readonly #limits: HclLimits;
  #nodes = 0;
  constructor(limits: HclLimits) {
    this.#limits = limits;
  }
  /** @throws {HclError} */
  addNode(position: Position): void {
    if (++this.#nodes > this.#limits.nodesMax) {
      throw new HclError(`more than ${this.#limits.nodesMax} values`, position);
    }
  }
  /** @throws {HclError} */
  assertDepth(depth: number, position: Position): void {
    if (depth > this.#limits.depthMax) {
      throw new HclError(`nested more than ${this.#limits.depthMax} levels deep`, position);
    }
  }
}
