/** A quiet reporter for node:test: failures in full, what was skipped and why, and a count as the last line. */
import { relative } from 'node:path';
import { inspect } from 'node:util';
import { ROOT } from './source-files.ts';
import type { TestEvent } from 'node:test/reporters';

const STACK_LINES_MAX = 8;

interface Failure {
  readonly name: string;
  readonly file: string;
  readonly error: unknown;
}

function describeError(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (!(cause instanceof Error)) return inspect(cause);
  const stack = (cause.stack ?? cause.message).split('\n');
  const message = cause.message.split('\n').length;
  return stack.slice(0, message + STACK_LINES_MAX).join('\n');
}

/** Failures stand at the end, after anything that the tests themselves wrote. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: Failure[] = [];
  const skipped = new Map<string, number>();
  let counts = { passed: 0, failed: 0 };
  for await (const event of source) {
    if (event.type === 'test:fail') {
      // A suite or file fails because of what is in it, which is reported itself.
      const { details, name, file } = event.data;
      if ('failureType' in details.error && details.error.failureType === 'subtestsFailed')
        continue;
      failures.push({ name, file: relative(ROOT, file ?? ''), error: details.error });
      yield `✗ ${relative(ROOT, file ?? '')} › ${name}\n`;
    } else if (event.type === 'test:pass' && event.data.skip !== undefined) {
      const reason = typeof event.data.skip === 'string' ? event.data.skip : event.data.name;
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      yield event.data.message;
    } else if (event.type === 'test:summary' && event.data.file === undefined) {
      const total = event.data.counts;
      counts = { passed: total.passed, failed: total.tests - total.passed - total.skipped };
    }
  }
  for (const { name, file, error } of failures) {
    yield `\n✗ ${file} › ${name}\n${describeError(error).replaceAll(/^/gm, '    ')}\n`;
  }
  for (const [reason, count] of skipped) yield `left out: ${count} × ${reason}\n`;
  yield `${counts.passed} passed, ${Math.max(counts.failed, failures.length > 0 ? 1 : 0)} failed\n`;
}
