/**
 * Password policies: `length = 20` and `rule "charset" { charset = "abc" min-chars = 1 }` blocks. A password is drawn
 * uniformly from the union of the charsets and drawn again until every rule holds.
 */
import { HclError, parseHcl } from '../../base/hcl/parse.ts';
import type { HclFile, HclLimits, HclNode } from '../../base/hcl/parse.ts';
import { asString, blocksNamed, valuesNamed } from '../../base/hcl/read.ts';
import type { Block } from '../../base/hcl/read.ts';
import type { Random } from '../../base/random.ts';

export const PASSWORD_POLICY_LIMITS: HclLimits = { bytesMax: 16_384, depthMax: 8, nodesMax: 500 };
export const PASSWORD_LENGTH_MIN = 4;
export const PASSWORD_LENGTH_MAX = 100;
/** Most different characters: one random byte chooses one. */
const CHARSET_MAX = 256;
/** Draws before giving up. A policy that fails this often is refused when it is written. */
const ATTEMPTS_MAX = 2000;

export interface CharsetRule {
  readonly charset: ReadonlySet<string>;
  readonly minChars: number;
}

export interface PasswordPolicy {
  /** In characters (Unicode code points). */
  readonly length: number;
  readonly rules: readonly CharsetRule[];
  /** Every character that may occur, once each, sorted. */
  readonly charset: readonly string[];
}

/** The text is no password policy, or no password could follow it. The message is public. */
export class PasswordPolicyError extends Error {
  override readonly name = 'PasswordPolicyError';
}

/** @throws {PasswordPolicyError} */
export function parsePasswordPolicy(text: string): PasswordPolicy {
  const { body } = parseSyntax(text);
  try {
    const length = valuesNamed(body, 'length')
      .map((node) => readInteger(node, 'length'))
      .at(-1);
    const rules = blocksNamed(body, 'rule', 1).map(readRule);
    return checked(length ?? 0, rules);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    throw new PasswordPolicyError(`failed to decode configuration: ${error.message}`);
  }
}

function parseSyntax(text: string): HclFile {
  try {
    return parseHcl(text, PASSWORD_POLICY_LIMITS);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    throw new PasswordPolicyError(`unable to decode: ${error.message}`);
  }
}

/** A fraction is cut off. */
function readInteger(node: HclNode, what: string): number {
  if (node.kind === 'number') {
    const whole = Math.trunc(node.value);
    if (Number.isSafeInteger(whole)) return whole;
  }
  throw new HclError(`'${what}' expected a whole number`, node.position);
}

function readCharset(node: HclNode): string {
  if (node.kind === 'string') return asString(node, 'charset');
  throw new HclError("'charset' expected a text", node.position);
}

function readRule({ labels, body }: Block): CharsetRule {
  const type = labels[0] ?? '';
  if (type !== 'charset') {
    throw new PasswordPolicyError(
      `unable to parse rules: unable to parse rule ${type}: unrecognized rule type ${type}`,
    );
  }
  const charset = valuesNamed(body, 'charset').map(readCharset).at(-1);
  const minChars =
    valuesNamed(body, 'min-chars')
      .map((node) => readInteger(node, 'min-chars'))
      .at(-1) ?? 0;
  return { charset: new Set(charset ?? ''), minChars: Math.max(minChars, 0) };
}

/** A letter, mark, number, punctuation, symbol or the plain space: what Go calls printable. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** @throws {PasswordPolicyError} naming everything that is wrong */
function checked(length: number, rules: readonly CharsetRule[]): PasswordPolicy {
  const charset = [...new Set(rules.flatMap((rule) => [...rule.charset]))].sort();
  const needed = rules.reduce((sum, rule) => sum + rule.minChars, 0);
  const problems: string[] = [];
  if (length <= 0) problems.push('length must be > 0');
  else if (length < needed) {
    problems.push(
      `specified rules require at least ${needed} characters but ${length} is specified`,
    );
  }
  if (charset.length === 0) problems.push('no charset specified');
  else if (!charset.every((char) => PRINTABLE.test(char))) {
    problems.push('non-printable character in charset');
  }
  if (charset.length > CHARSET_MAX) {
    problems.push(`charset is too long: limited to ${CHARSET_MAX} characters`);
  }
  if (rules.some((rule) => rule.minChars > 0 && rule.charset.size === 0)) {
    problems.push('a rule asks for characters of an empty charset');
  }
  if (problems.length > 0) {
    const count = problems.length === 1 ? '1 error' : `${problems.length} errors`;
    throw new PasswordPolicyError(
      `${count} occurred:\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`,
    );
  }
  return { length, rules, charset };
}

/** What may be stored: passwords of a sensible length, and one that could be drawn. @throws {PasswordPolicyError} */
export function assertUsablePasswordPolicy(policy: PasswordPolicy, random: Random): void {
  if (policy.length < PASSWORD_LENGTH_MIN || policy.length > PASSWORD_LENGTH_MAX) {
    throw new PasswordPolicyError(
      `passwords must be between ${PASSWORD_LENGTH_MIN} and ${PASSWORD_LENGTH_MAX} characters`,
    );
  }
  generatePassword(policy, random);
}

/** Uniform over all passwords that follow the policy. @throws {PasswordPolicyError} too few follow it */
export function generatePassword(policy: PasswordPolicy, random: Random): string {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const candidate = draw(policy, random);
    if (policy.rules.every((rule) => holds(rule, candidate))) return candidate.join('');
  }
  throw new PasswordPolicyError('unable to generate a password: are the rules impossible?');
}

/** Bytes above the largest multiple of the charset's size are dropped: no character is likelier than another. */
function draw(policy: PasswordPolicy, random: Random): readonly string[] {
  const { charset, length } = policy;
  const fair = CHARSET_MAX - (CHARSET_MAX % charset.length);
  const chars: string[] = [];
  while (chars.length < length) {
    const bytes = random.bytes(length + (length >>> 1));
    for (const byte of bytes) {
      const char = byte < fair ? charset[byte % charset.length] : undefined;
      if (char !== undefined && chars.length < length) chars.push(char);
    }
    bytes.fill(0);
  }
  return chars;
}

function holds(rule: CharsetRule, candidate: readonly string[]): boolean {
  let count = 0;
  for (const char of candidate) {
    if (count >= rule.minChars) return true;
    if (rule.charset.has(char)) count++;
  }
  return count >= rule.minChars;
}

/** Twenty characters with a lower-case letter, an upper-case letter, a digit and a dash: where no policy is named. */
export const DEFAULT_PASSWORD_POLICY: PasswordPolicy = parsePasswordPolicy(`length = 20
rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" min-chars = 1 }
rule "charset" { charset = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" min-chars = 1 }
rule "charset" { charset = "0123456789" min-chars = 1 }
rule "charset" { charset = "-" min-chars = 1 }`);
