/** HCL or its JSON form, told apart as the reference does: JSON begins with `{`. */
import { HCL_LIMITS, HclError } from './ast.ts';
import type { HclFile, HclLimits } from './ast.ts';
import { parseJsonSyntax } from './json-syntax.ts';
import { parseHclSyntax } from './parser.ts';

export type * from './ast.ts';
export { HCL_LIMITS, HclError } from './ast.ts';

/**
 * Parses a policy, a password policy or a configuration file.
 * @throws {HclError} with line and column; also when a limit is passed.
 */
export function parseHcl(text: string, limits: HclLimits = HCL_LIMITS): HclFile {
  // A code unit takes one to three bytes: most texts need no exact count.
  if (text.length > limits.bytesMax || Buffer.byteLength(text) > limits.bytesMax) {
    throw new HclError(`text is longer than ${limits.bytesMax} bytes`, { line: 1, column: 1 });
  }
  return text.trimStart().startsWith('{')
    ? parseJsonSyntax(text, limits)
    : parseHclSyntax(text, limits);
}
