/** Every single change to a log is found and named; what a crash leaves is accepted only when it is fenced off. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import fc from 'fast-check';

import { systemRandom } from '../base/random.ts';
import { Chain } from './chain.ts';
import { createBootSigner, createLogSigner, renderCheckpoint, renderHeader } from './checkpoint.ts';
import { verifyLog } from './verify.ts';
import type { Fault, Verification, VerifyOptions } from './verify.ts';

const signer = createLogSigner(Buffer.alloc(32, 7));
const PUBLIC_KEY = signer.publicKey.toString('base64');
const ORIGIN = 'cluster/node/file/';
const TIME = '2026-11-22T00:00:00.000Z';

/** A log of `records` records with a checkpoint after each `every` and at the end. */
function makeLog(records: number, every = 4): string[] {
  const chain = new Chain();
  const lines = [chain.append(renderHeader({ time: TIME, origin: ORIGIN, opens: true, signer }))];
  const checkpoint = (): void => {
    const store = String(lines.length);
    const fields = { time: TIME, origin: ORIGIN, dropped: 0, endorses: [], store };
    lines.push(chain.append(renderCheckpoint(fields, chain.position, signer)));
  };
  for (let index = 0; index < records; index++) {
    lines.push(chain.append(`{"time":"${TIME}","type":"request","request":{"id":"r${index}"}`));
    if ((index + 1) % every === 0) checkpoint();
  }
  if (records % every !== 0) checkpoint();
  return lines;
}

function verifyText(text: string, options?: VerifyOptions): Promise<Verification> {
  const bytes = Buffer.from(text, 'latin1');
  // Small chunks, so that lines are split across them.
  const chunks = Array.from({ length: Math.ceil(bytes.length / 97) }, (_, index) =>
    bytes.subarray(index * 97, index * 97 + 97),
  );
  return verifyLog(chunks, options);
}

function verifyLines(lines: readonly string[], options?: VerifyOptions): Promise<Verification> {
  return verifyText(lines.map((line) => `${line}\n`).join(''), options);
}

function named(result: Verification): Pick<Fault, 'kind' | 'seq' | 'line'> | undefined {
  if (result.firstFault === undefined) return undefined;
  const { kind, seq, line } = result.firstFault;
  return { kind, seq, line };
}

test('an untouched log is accepted, with its counts', async () => {
  const lines = makeLog(10);
  const result = await verifyLines(lines, { publicKeys: [PUBLIC_KEY] });
  assert.equal(result.ok, true);
  assert.equal(result.records, 10);
  assert.equal(result.checkpoints, 3);
  assert.equal(result.signedSeq, lines.length);
  assert.equal(result.unsignedRecords, 0);
  assert.equal(result.origin, ORIGIN);
  assert.deepEqual(result.keys, [
    { role: 'log', publicKey: PUBLIC_KEY, checkpoints: 3, trusted: true },
  ]);
});

const shape = fc.record({
  records: fc.integer({ min: 1, max: 14 }),
  every: fc.integer({ min: 1, max: 6 }),
});

test('a flipped bit is found, and the line is named', async () => {
  const property = fc.asyncProperty(shape, fc.nat(), fc.nat(7), async (log, where, bit) => {
    const lines = makeLog(log.records, log.every);
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
    const offset = where % bytes.length;
    const line = bytes.subarray(0, offset).toString('latin1').split('\n').length;
    bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
    const result = await verifyText(bytes.toString('latin1'));
    assert.equal(result.ok, false);
    // A newline belongs to both of the lines that it parts.
    assert.ok(result.firstFault !== undefined);
    const merged = bytes.subarray(0, offset).toString('latin1').endsWith('}');
    const { seq } = result.firstFault;
    assert.ok(seq === line || (merged && seq === line + 1), JSON.stringify(result.firstFault));
    assert.ok(['altered', 'bad-signature', 'truncated'].includes(result.firstFault.kind));
  });
  await fc.assert(property, { numRuns: 3000 });
});

test('a dropped line is found, and its number is named', async () => {
  const property = fc.asyncProperty(shape, fc.nat(), async (log, where) => {
    const lines = makeLog(log.records, log.every);
    // Without its last line the log is merely shorter: see the test with an expected checkpoint.
    const index = where % (lines.length - 1);
    lines.splice(index, 1);
    const result = await verifyLines(lines);
    assert.deepEqual(named(result), { kind: 'missing', seq: index + 1, line: index + 1 });
  });
  await fc.assert(property);
});

test('two swapped lines are found, and the first is named', async () => {
  const property = fc.asyncProperty(shape, fc.nat(), fc.nat(), async (log, one, other) => {
    const lines = makeLog(log.records, log.every);
    const first = one % (lines.length - 1);
    const second = first + 1 + (other % (lines.length - 1 - first));
    [lines[first], lines[second]] = [lines[second] ?? '', lines[first] ?? ''];
    const result = await verifyLines(lines);
    assert.deepEqual(named(result), { kind: 'reordered', seq: first + 1, line: first + 1 });
  });
  await fc.assert(property);
});

test('a line moved elsewhere is found', async () => {
  const property = fc.asyncProperty(shape, fc.nat(), fc.nat(), async (log, from, to) => {
    const lines = makeLog(log.records, log.every);
    const source = from % lines.length;
    const [moved] = lines.splice(source, 1);
    const target = to % (lines.length + 1);
    fc.pre(target !== source && moved !== undefined);
    lines.splice(target, 0, moved ?? '');
    const result = await verifyLines(lines);
    assert.equal(result.firstFault?.kind, 'reordered');
    assert.equal(result.firstFault.line, Math.min(source, target) + 1);
  });
  await fc.assert(property);
});

test('a duplicated line is found', async () => {
  const property = fc.asyncProperty(shape, fc.nat(), fc.nat(), async (log, from, to) => {
    const lines = makeLog(log.records, log.every);
    const copy = lines[from % lines.length] ?? '';
    const target = to % (lines.length + 1);
    lines.splice(target, 0, copy);
    const result = await verifyLines(lines);
    assert.equal(result.firstFault?.kind, 'inserted', JSON.stringify(result.firstFault));
    // A copy beside its original cannot be told from it.
    const original = from % (lines.length - 1);
    if (target !== original) assert.equal(result.firstFault.line, target + 1);
  });
  await fc.assert(property);
});

test('a forged line is found, whatever number and predecessor it claims', async () => {
  const property = fc.asyncProperty(
    shape,
    fc.nat(),
    fc.nat(20),
    fc.constantFrom('right', 'wrong', 'none'),
    async (log, to, seq, claim) => {
      const lines = makeLog(log.records, log.every);
      const target = 1 + (to % (lines.length - 1));
      const before = lines[target - 1] ?? '';
      const body = '{"time":"x","type":"request"';
      const right = createHash('sha256').update(before).digest('hex');
      const forged = {
        right: `${body},"seq":${target + 1},"prev":"${right}"}`,
        wrong: `${body},"seq":${seq + 1},"prev":"${'ab'.repeat(32)}"}`,
        none: 'garbage',
      }[claim];
      lines.splice(target, 0, forged);
      const result = await verifyLines(lines);
      assert.equal(result.firstFault?.kind, 'inserted', JSON.stringify(result.firstFault));
      assert.equal(result.firstFault.line, target + 1);
    },
  );
  await fc.assert(property);
});

test('bytes cut out of the middle are found', async () => {
  const property = fc.asyncProperty(shape, fc.nat(), fc.nat(), async (log, from, length) => {
    const text = makeLog(log.records, log.every)
      .map((line) => `${line}\n`)
      .join('');
    const start = from % (text.length - 1);
    const end = start + 1 + (length % (text.length - 1 - start));
    const line = text.slice(0, start).split('\n').length;
    const left = text.slice(0, start) + text.slice(end);
    // What is left may be just a shorter log.
    fc.pre(!text.startsWith(left));
    const result = await verifyText(left);
    assert.equal(result.ok, false);
    const { firstFault } = result;
    assert.ok(firstFault !== undefined);
    // Nothing tells the number that a lost first line had, nor which of two last lines is the wrong one.
    const last = left.split('\n').length - 1 === line;
    if (line === 1) assert.equal(firstFault.line, 1);
    else assert.ok(firstFault.seq === line || (last && firstFault.seq === line - 1));
  });
  await fc.assert(property, { numRuns: 300 });
});

test('truncation at the end is found with an expected checkpoint', async () => {
  const lines = makeLog(10);
  const whole = await verifyLines(lines);
  assert.ok(whole.last !== undefined);
  const expected = whole.last;
  assert.equal((await verifyLines(lines, { expected })).ok, true);
  for (let keep = 1; keep < lines.length; keep++) {
    const result = await verifyLines(lines.slice(0, keep), { expected });
    assert.deepEqual(named(result), { kind: 'truncated', seq: keep + 1, line: keep + 1 });
  }
});

test('a log computed anew without the key fails at its first checkpoint', async () => {
  const lines = makeLog(6, 3);
  const chain = new Chain();
  const forged = lines.map((line) => {
    const body = line.slice(0, line.lastIndexOf(',"seq":'));
    return chain.append(body.replace('"r1"', '"rX"'));
  });
  assert.deepEqual(named(await verifyLines(forged)), { kind: 'bad-signature', seq: 5, line: 5 });
});

test('a log signed by a key of its own does not pass for one whose key is known', async () => {
  const forger = createLogSigner(Buffer.alloc(32, 9)).publicKey.toString('base64');
  const result = await verifyLines(makeLog(3), { publicKeys: [forger] });
  assert.equal(result.firstFault?.kind, 'bad-signature');
});

test('a log signed by nothing but a boot key counts as unsigned when the log key is known', async () => {
  const boot = createBootSigner(systemRandom);
  const chain = new Chain();
  const header = { time: TIME, origin: ORIGIN, opens: true, signer: boot };
  const fields = { time: TIME, origin: ORIGIN, dropped: 0, endorses: [] };
  const lines = [chain.append(renderHeader(header)), chain.append('{"type":"request"')];
  lines.push(chain.append(renderCheckpoint(fields, chain.position, boot)));
  const result = await verifyLines(lines, { publicKeys: [PUBLIC_KEY] });
  assert.equal(result.ok, true);
  assert.equal(result.signedSeq, undefined);
  assert.equal(result.unsignedRecords, 1);
});

test('an unfinished line is accepted only when the next header fences it off', async () => {
  const lines = makeLog(5, 2);
  const whole = `${lines.slice(0, 6).join('\n')}\n`;
  const torn = '{"time":"2026","type":"requ';
  const before = await verifyText(whole);
  assert.ok(before.last !== undefined);
  const chain = new Chain(before.last);
  const sha256 = createHash('sha256').update(`${torn}\n`).digest('hex');
  const fence = (bytes: number, digest: string): string =>
    chain.append(
      renderHeader({
        time: TIME,
        origin: ORIGIN,
        opens: false,
        signer,
        recovered: { bytes, sha256: digest },
      }),
    );
  const recovered = `${whole}${torn}\n${fence(torn.length + 1, sha256)}\n${chain.append('{"type":"request"')}\n`;
  const result = await verifyText(recovered);
  assert.equal(result.ok, true);
  assert.equal(result.recoveries, 1);

  assert.equal((await verifyText(`${whole}${torn}`)).firstFault?.kind, 'truncated');
  assert.equal((await verifyText(recovered.replace('requ\n', 'rewq\n'))).ok, false);
  assert.equal((await verifyText(recovered.replace(`${torn}\n`, ''))).ok, false);
});

test('several files are one log', async () => {
  const lines = makeLog(4, 2);
  const before = await verifyLines(lines);
  const chain = new Chain(before.last);
  const next = [
    chain.append(renderHeader({ time: TIME, origin: ORIGIN, opens: true, signer })),
    chain.append('{"type":"response"'),
  ];
  assert.equal((await verifyLines([...lines, ...next])).ok, true);
  const alone = await verifyLines(next);
  assert.equal(alone.ok, true);
  assert.equal(alone.firstSeq, lines.length + 1);
  const gap = await verifyLines([...lines.slice(0, -1), ...next]);
  assert.deepEqual(named(gap), { kind: 'missing', seq: lines.length, line: lines.length });
});

test('checkpoints tell where the store was put back', async () => {
  const chain = new Chain();
  const lines = [chain.append(renderHeader({ time: TIME, origin: ORIGIN, opens: true, signer }))];
  for (const store of ['10', '12', undefined, '12', '11', '30']) {
    const fields = { time: TIME, origin: ORIGIN, dropped: 0, endorses: [], store };
    lines.push(chain.append(renderCheckpoint(fields, chain.position, signer)));
  }
  const result = await verifyLines(lines);
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  assert.deepEqual(result.setBacks, [{ seq: 6, time: TIME, file: '', line: 6 }]);
});

test('a server that died while it was fencing off an unfinished line leaves a truncated log', async () => {
  const lines = makeLog(6);
  const whole = lines.map((line) => `${line}\n`).join('');
  const torn = (lines[2] ?? '').slice(0, 60);
  const expected = { kind: 'truncated', seq: lines.length + 1, line: lines.length + 1 };
  assert.deepEqual(named(await verifyText(`${whole}${torn}`)), expected);
  assert.deepEqual(named(await verifyText(`${whole}${torn}\n${torn}`)), expected);
  // With its end it is a line that somebody has changed.
  assert.equal(named(await verifyText(`${whole}${torn}\n`))?.kind, 'altered');
});
