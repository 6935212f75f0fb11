/** operator diagnose: what a server would stand on, place by place. */
import { CommandFailure, EXIT_LOCAL, EXIT_OK, type Invocation } from '../../command.ts';
import { printDocument, say } from '../../render/output.ts';

const EXIT_WARNED = 2;
const MARKS = { ok: '[ ok ]', warning: '[warn]', failure: '[FAIL]' } as const;

export async function diagnose(invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation;
  const paths = flags.list('config');
  if (paths.length === 0) {
    throw new CommandFailure(EXIT_LOCAL, 'Must specify a configuration file using -config.');
  }
  const server = await import('../../../server/diagnose/diagnose.ts');
  const skip = new Set(flags.list('skip'));
  for (const part of skip) {
    if (server.DIAGNOSED.includes(part)) continue;
    throw new CommandFailure(EXIT_LOCAL, `-skip knows ${server.DIAGNOSED.join(', ')}`);
  }
  const { systemClock } = await import('../../../base/clock.ts');
  const findings = await server.diagnose(paths, terminal.environment, skip, systemClock.nowMs());
  if (invocation.format === 'table') {
    for (const { grade, about, text } of findings)
      say(invocation, `${MARKS[grade]} ${about}: ${text}`);
  } else {
    await printDocument(
      invocation,
      findings.map((finding) => ({ ...finding })),
    );
  }
  if (findings.some(({ grade }) => grade === 'failure')) return EXIT_LOCAL;
  return findings.some(({ grade }) => grade === 'warning') ? EXIT_WARNED : EXIT_OK;
}
