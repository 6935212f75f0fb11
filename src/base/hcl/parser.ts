/**
 * Parses HCL 1 (not HCL 2: no expressions, no functions) to a tree that keeps order, places and comments. Duplicate keys are
 * kept: what they mean is the reader's affair.
 */
import { HCL_LIMITS, HclBudget, HclError } from './ast.ts';
import type {
  Comment,
  HclFile,
  HclLimits,
  HclNode,
  ListElement,
  ListNode,
  NumberNode,
  ObjectItem,
  ObjectKey,
  ObjectNode,
  Position,
} from './ast.ts';
import { Scanner } from './scanner.ts';
import type { Token } from './scanner.ts';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

class Parser {
  readonly #scanner: Scanner;
  readonly #budget: HclBudget;
  #token: Token;
  /** Line on which the token before the current one ends. */
  #previousEndLine = 0;
  /** Comments between the previous token and the current one that nobody has taken yet. */
  #comments: Comment[] = [];
  #depth = 0;

  constructor(text: string, limits: HclLimits) {
    this.#scanner = new Scanner(text);
    this.#budget = new HclBudget(limits);
    this.#token = this.#scan();
  }

  #scan(): Token {
    return this.#scanner.next((comment) => {
      this.#budget.addNode(comment.position);
      this.#comments.push(comment);
    });
  }

  #advance(): void {
    this.#previousEndLine = this.#token.endLine;
    this.#token = this.#scan();
  }

  #takeComments(): readonly Comment[] {
    const comments = this.#comments;
    this.#comments = [];
    return comments;
  }

  /** The comment that stands behind the previous token on its line. */
  #takeLineComment(): Comment | undefined {
    const first = this.#comments[0];
    if (first === undefined || first.position.line !== this.#previousEndLine) return undefined;
    // A block comment before something else on the same line belongs to that.
    if (this.#token.kind !== 'EOF' && this.#token.position.line === first.endLine) return undefined;
    this.#comments.shift();
    return first;
  }

  file(): HclFile {
    const position = { line: 1, column: 1 };
    const items = this.#items(() => this.#token.kind === 'EOF');
    const body: ObjectNode = {
      kind: 'object',
      position,
      items,
      trailingComments: this.#takeComments(),
    };
    return { syntax: 'hcl', body };
  }

  #items(isEnd: () => boolean): readonly ObjectItem[] {
    const items: ObjectItem[] = [];
    while (!isEnd()) {
      const item = this.#item();
      let lineComment = this.#takeLineComment();
      const endLine = this.#previousEndLine;
      if (this.#token.kind === 'COMMA') {
        this.#advance();
        lineComment ??= this.#takeLineComment();
      }
      items.push({ ...item, endLine, lineComment });
    }
    return items;
  }

  #item(): Omit<ObjectItem, 'endLine' | 'lineComment'> {
    const leadComments = this.#takeComments();
    const keys = this.#keys();
    const assigned = this.#token.kind === 'ASSIGN';
    if (assigned) {
      if (keys.length > 1) {
        throw new HclError('nested object expected: LBRACE got: ASSIGN', this.#token.position);
      }
      this.#advance();
      return { keys, assigned, value: this.#value(), leadComments };
    }
    if (this.#token.kind !== 'LBRACE') {
      const names = keys.map((key) => (key.quoted ? JSON.stringify(key.name) : key.name)).join(' ');
      throw new HclError(
        `key '${names}' expected start of object ('{') or assignment ('=')`,
        this.#token.position,
      );
    }
    return { keys, assigned, value: this.#object(), leadComments };
  }

  #keys(): readonly [ObjectKey, ...ObjectKey[]] {
    const keys: ObjectKey[] = [];
    while (this.#token.kind === 'IDENT' || this.#token.kind === 'STRING') {
      const { kind, text, position } = this.#token;
      this.#budget.addNode(position);
      keys.push({ name: text, quoted: kind === 'STRING', position });
      this.#advance();
    }
    const [first, ...rest] = keys;
    if (first !== undefined) return [first, ...rest];
    const { kind, position } = this.#token;
    if (kind === 'ASSIGN') throw new HclError('no object keys found!', position);
    const expected = kind === 'LBRACE' ? 'IDENT | STRING' : 'IDENT | STRING | ASSIGN | LBRACE';
    throw new HclError(`expected: ${expected} got: ${kind}`, position);
  }

  #value(): HclNode {
    const { kind, position, text } = this.#token;
    switch (kind) {
      case 'LBRACE':
        return this.#object();
      case 'LBRACK':
        return this.#list();
      case 'STRING':
      case 'HEREDOC':
        this.#budget.addNode(position);
        this.#advance();
        return { kind: 'string', position, value: text, heredoc: kind === 'HEREDOC' };
      case 'BOOL':
        this.#budget.addNode(position);
        this.#advance();
        return { kind: 'bool', position, value: text === 'true' };
      case 'NUMBER':
      case 'FLOAT':
        this.#budget.addNode(position);
        this.#advance();
        return toNumber(text, kind === 'FLOAT', position);
      default:
        throw new HclError(`a value is expected, got: ${kind}`, position);
    }
  }

  #enter(position: Position): void {
    this.#budget.addNode(position);
    this.#budget.assertDepth(++this.#depth, position);
    this.#advance();
  }

  #object(): ObjectNode {
    const { position } = this.#token;
    this.#enter(position);
    const items = this.#items(() => this.#token.kind === 'RBRACE' || this.#token.kind === 'EOF');
    if (this.#token.kind === 'EOF') {
      throw new HclError('object expected closing RBRACE got: EOF', this.#token.position);
    }
    const trailingComments = this.#takeComments();
    this.#depth--;
    this.#advance();
    return { kind: 'object', position, items, trailingComments };
  }

  #list(): ListNode {
    const { position } = this.#token;
    this.#enter(position);
    const elements: ListElement[] = [];
    let needsComma = false;
    // As in the reference, commas may be doubled, and may be left out after a nested list.
    while (this.#token.kind !== 'RBRACK') {
      if (this.#token.kind === 'COMMA') {
        this.#advance();
        const last = elements.at(-1);
        if (last !== undefined && last.lineComment === undefined) {
          elements[elements.length - 1] = { ...last, lineComment: this.#takeLineComment() };
        }
        needsComma = false;
        continue;
      }
      if (needsComma) {
        throw new HclError(
          `error parsing list, expected comma or list end, got: ${this.#token.kind}`,
          this.#token.position,
        );
      }
      const leadComments = this.#takeComments();
      const value = this.#value();
      elements.push({ value, leadComments, lineComment: this.#takeLineComment() });
      needsComma = value.kind !== 'list';
    }
    const trailingComments = this.#takeComments();
    this.#depth--;
    this.#advance();
    return { kind: 'list', position, endLine: this.#previousEndLine, elements, trailingComments };
  }
}

function toNumber(text: string, float: boolean, position: Position): NumberNode {
  if (float) return { kind: 'number', position, value: Number(text), text, float };
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const octal = digits.length > 1 && digits.startsWith('0') && !/[xX]/.test(digits);
  // An int64 has at most 22 octal digits; the length is limited before the conversion, whose cost grows faster than it.
  const magnitude = digits.length <= 32 ? BigInt(octal ? `0o${digits}` : digits) : INT64_MAX + 1n;
  const value = negative ? -magnitude : magnitude;
  if (value > INT64_MAX || value < INT64_MIN) {
    throw new HclError('number does not fit 64 bits', position);
  }
  return { kind: 'number', position, value: Number(value), text, float };
}

/** Parses HCL text. @throws {HclError} */
export function parseHclSyntax(text: string, limits: HclLimits = HCL_LIMITS): HclFile {
  return new Parser(text, limits).file();
}
