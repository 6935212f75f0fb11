/** Asks for a secret on the terminal without showing it. */

const INTERRUPT = '\u0003';
const END_OF_INPUT = '\u0004';
const BACKSPACES = new Set(['\u0008', '\u007f']);
const SECRET_CHARS_MAX = 65_536;

/** The user pressed Ctrl-C at the prompt. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** @throws {Error} when standard input is no terminal, or {@link InterruptedError}. */
export async function askHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw new Error('file descriptor 0 is not a terminal');
  // Before the prompt, so that nothing typed in answer to it is echoed.
  stdin.setRawMode(true);
  stderr.write(prompt);
  try {
    return await readLine();
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

async function readLine(): Promise<string> {
  let line = '';
  for await (const chunk of process.stdin.iterator({ destroyOnReturn: false })) {
    for (const char of (chunk as Buffer).toString('utf8')) {
      if (char === '\r' || char === '\n' || char === END_OF_INPUT) return line;
      if (char === INTERRUPT) throw new InterruptedError('interrupted');
      if (BACKSPACES.has(char)) line = line.slice(0, -1);
      else if (line.length < SECRET_CHARS_MAX) line += char;
    }
  }
  return line;
}
