/** Flags that all imports share. */
import { CommandFailure, EXIT_LOCAL, type Invocation } from '../../command.ts';
import type { FlagValues } from '../../flags.ts';
import { ON_CONFLICT } from './ledger.ts';
import type { OnConflict } from './ledger.ts';

/** An import makes many requests: none of them could be the one to print. */
export function assertNoDryRunOfOne({ session }: Invocation): void {
  if (!session.dryRun) return;
  throw new CommandFailure(
    EXIT_LOCAL,
    'This command makes no single request that could be printed. -dry-run shows what it would do.',
  );
}

/** What is done where something else is there: nothing, and it counts as an error, unless told otherwise. */
export function conflictRule(flags: FlagValues): OnConflict {
  const text = flags.text('on-conflict') || 'fail';
  const rule = ON_CONFLICT.find((name) => name === text);
  if (rule !== undefined) return rule;
  throw new CommandFailure(EXIT_LOCAL, `-on-conflict takes ${ON_CONFLICT.join(', ')}`);
}
