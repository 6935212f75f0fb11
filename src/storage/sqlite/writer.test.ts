/** The writer when its thread fails: everything pending is rejected, nothing is acknowledged afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StorageError } from '../storage.ts';
import { Writer } from './writer.ts';

/** Programs that stand in for the writer's thread: each greets, acknowledges the first batch, then goes wrong. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['throws', "throw new Error('out of order')"],
  ['exits', 'process.exit(7)'],
  ['reports a failure', "parentPort.postMessage({ kind: 'failed', message: 'disk I/O error' })"],
]);

function program(then: string): URL {
  const source = `
    import { parentPort } from 'node:worker_threads';
    let batches = 0;
    parentPort.on('message', (request) => {
      batches += 1;
      if (batches === 1) parentPort.postMessage({ kind: 'durable', sequence: request.sequence });
      else { ${then} }
    });
    parentPort.postMessage({ kind: 'ready', sequence: 41 });
  `;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

for (const [what, then] of PROGRAMS) {
  test(`a writer that ${what} leaves no commit acknowledged`, async () => {
    const failures: StorageError[] = [];
    const durable: number[] = [];
    const writer = await Writer.start(
      { database: 'unused' },
      {
        durable: (batch) => durable.push(batch.sequence),
        failed: (error) => failures.push(error),
        warning: () => {},
      },
      program(then),
    );
    const write = (key: string): Promise<void> => writer.submit([{ key, entry: undefined }]);
    await write('first');
    assert.deepEqual(durable, [42]);
    const second = write('second');
    const together = write('third');
    const sent = new Promise((resolve) => setImmediate(resolve)).then(() => write('queued behind'));
    for (const pending of [second, together, sent]) await assert.rejects(pending, StorageError);
    await assert.rejects(write('late'), StorageError);
    await assert.rejects(writer.submit([]), StorageError);
    assert.equal(writer.queued('second'), undefined);
    assert.deepEqual(durable, [42]);
    await writer.close();
    assert.equal(failures.length, 1);
    assert.match(failures[0]?.message ?? '', /outcome .* unknown/u);
  });
}

test('a writer that cannot start is refused', async () => {
  const events = { durable: () => {}, failed: () => assert.fail(), warning: () => {} };
  for (const source of ["throw new Error('no')", 'process.exit(0)']) {
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    await assert.rejects(Writer.start({ database: 'unused' }, events, url), StorageError);
  }
});
