/** policy fmt: formats a policy file in place, and refuses one that is no policy. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attempt, EXIT_LOCAL, EXIT_OK, type Invocation } from '../../command.ts';
import { whyNotOpened } from '../../open-file.ts';
import { say } from '../../render/output.ts';

export async function policyFmt(invocation: Invocation): Promise<number> {
  const given = (invocation.args[0] ?? '').trim();
  const home = invocation.terminal.homeFolder;
  const path = given === '~' || given.startsWith('~/') ? join(home, given.slice(1)) : given;
  const text = await attempt('Error reading source file', readSource(path), EXIT_LOCAL);
  const formatted = await attempt('', formatPolicy(text), EXIT_LOCAL);
  await attempt('Error writing result', writeFile(path, formatted), EXIT_LOCAL);
  say(invocation, `Success! Formatted policy: ${path}`);
  return EXIT_OK;
}

async function readSource(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(whyNotOpened(path, cause), { cause });
  }
}

async function formatPolicy(text: string): Promise<string> {
  const { formatHcl } = await import('../../../base/hcl/printer.ts');
  const { parsePolicy } = await import('../../../policy/parse.ts');
  parsePolicy(text);
  return formatHcl(text);
}
