/** operator migrate: all data from one store to another, while no server runs on either. */
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import type { JsonObject } from '../../../client/json.ts';
import { reportSteps } from '../../progress.ts';
import { printDocument, say } from '../../render/output.ts';

const MEBIBYTE = 1_048_576;

export async function migrate(invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation;
  const [from, to] = [flags.list('from'), flags.list('to')];
  const { environment } = terminal;
  if (flags.boolean('release')) {
    if (from.length === 0 || to.length > 0) {
      throw new CommandFailure(EXIT_LOCAL, '-release takes -from, and no -to');
    }
    const { release } = await import('../../../server/moving/migrate.ts');
    const words = await attempt('Error releasing the store', release(from, environment));
    say(invocation, `Success! A server may start on ${words} again.`);
    return EXIT_OK;
  }
  if (from.length === 0 || to.length === 0) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Say what to move and where to: -from=CONFIG -to=CONFIG, the configurations of the server before and after',
    );
  }
  const moving = await import('../../../server/moving/migrate.ts');
  const steps = reportSteps(terminal);
  const common = { from, to, environment, progress: steps.show };
  try {
    if (flags.boolean('verify-only')) {
      const found = await moving.compareStores(common);
      steps.end();
      if (invocation.format !== 'table') return await printDocument(invocation, documentOf(found));
      say(
        invocation,
        `Success! Both hold the same: ${described(found.contents)}\n  ${found.from}\n  ${found.to}`,
      );
      return EXIT_OK;
    }
    const keepSource = flags.boolean('keep-source');
    const report = await moving.migrate({ ...common, keepSource });
    steps.end();
    if (invocation.format !== 'table')
      return await printDocument(invocation, {
        ...documentOf(report),
        resumed: report.resumed,
        written: report.changes.written,
        kept: report.changes.kept,
        removed: report.changes.removed,
      });
    const { changes, contents, resumed } = report;
    if (resumed) {
      say(
        invocation,
        `Went on with a copy that was cut off: ${changes.kept} records were there, ${changes.written} were written.`,
      );
    }
    say(
      invocation,
      `Success! Moved ${described(contents)}\n  from ${report.from}\n  to   ${report.to}\n` +
        'Both were read again and hold the same. Start the server with the new configuration, and unseal it with the keys that it always had.\n' +
        (keepSource
          ? 'A server may still start on the old store: see that none does beside the new one.'
          : 'No server starts on the old store any more, until "operator migrate -release" allows it.'),
    );
    return EXIT_OK;
  } catch (cause) {
    steps.end();
    if (cause instanceof CommandFailure) throw cause;
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(EXIT_SERVER, `Error moving the data: ${reason}`, cause);
  } finally {
    steps.end();
  }
}

interface Contents {
  readonly records: number;
  readonly bytes: number;
  readonly digest: string;
}

function documentOf(found: {
  readonly from: string;
  readonly to: string;
  readonly contents: Contents;
}): JsonObject {
  const { records, bytes, digest } = found.contents;
  return { from: found.from, to: found.to, records, bytes, sha256: digest };
}

function described(contents: Contents): string {
  const size = (contents.bytes / MEBIBYTE).toFixed(1);
  return `${contents.records} records (${size} MiB, sha256 ${contents.digest})`;
}
