/** audit export: writes audit log files in the format of a collector, away from any server. */
import { open } from 'node:fs/promises';
import {
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';

/** Files of this format are one document each; all others are lines. */
const DOCUMENT_FORMAT = 'cloudtrail';
const DOCUMENT = { begin: '{"Records":[\n', between: ',\n', end: '\n]}\n' };
const LINES = { begin: '', between: '\n', end: '\n' };

export async function auditExport(invocation: Invocation): Promise<number> {
  const { args, flags, terminal } = invocation;
  const { AUDIT_FORMATS } = await import('../../../server/audit-formats.ts');
  const format = flags.text('to');
  const write = AUDIT_FORMATS.get(format);
  if (write === undefined) {
    const known = [...AUDIT_FORMATS.keys()].sort().join(', ');
    throw new CommandFailure(EXIT_LOCAL, `-to must be one of ${known}`);
  }
  const { begin, between, end } = format === DOCUMENT_FORMAT ? DOCUMENT : LINES;
  let written = 0;
  let unreadable = 0;
  for (const file of args) {
    for await (const line of linesOf(file)) {
      const text = converted(write, line);
      if (text === false) unreadable += 1;
      else if (text !== undefined) {
        terminal.write(`${written === 0 ? begin : between}${text}`);
        written += 1;
      }
    }
  }
  if (written === 0) terminal.write(begin);
  if (written > 0 || begin !== '') terminal.write(end);
  if (unreadable === 0) return EXIT_OK;
  const [what, them] =
    unreadable === 1 ? ['line is no record', 'it'] : ['lines are no records', 'them'];
  terminal.complain(
    `${unreadable} ${what}: "strongroom audit verify" tells what became of ${them}.\n`,
  );
  return EXIT_SERVER;
}

/** False for a line that is no record: cut off by a crash, or of another log. */
function converted(
  write: (line: string) => string | undefined,
  line: string,
): string | undefined | false {
  if (line === '') return undefined;
  try {
    return write(line);
  } catch {
    return false;
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    await using handle = await open(file);
    yield* handle.readLines();
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const text = reason === 'ENOENT' ? `no such file: ${file}` : `${file}: ${reason}`;
    throw new CommandFailure(EXIT_LOCAL, `Error reading audit log: ${text}`);
  }
}
