/** Windows per client: how many, until when, blocks, and bounded memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RateWindows } from './rate-windows.ts';

const RULE = { limit: 2, windowMs: 60_000, blockMs: 0 };

describe('RateWindows', () => {
  test('lets the limit through, refuses the rest, and begins anew with the window', () => {
    const windows = new RateWindows(RULE);
    assert.deepEqual(windows.take('a', 0), {
      allowed: true,
      limit: 2,
      remaining: 1,
      resetSeconds: 60,
    });
    assert.deepEqual(windows.take('a', 10_000), {
      allowed: true,
      limit: 2,
      remaining: 0,
      resetSeconds: 50,
    });
    assert.deepEqual(windows.take('a', 59_999), {
      allowed: false,
      limit: 2,
      remaining: 0,
      resetSeconds: 0,
    });
    assert.equal(windows.take('a', 60_000).remaining, 1);
  });

  test('counts clients apart', () => {
    const windows = new RateWindows({ ...RULE, limit: 1 });
    assert.equal(windows.take('a', 0).allowed, true);
    assert.equal(windows.take('a', 1).allowed, false);
    assert.equal(windows.take('b', 1).allowed, true);
  });

  test('a block outlasts the window and then ends', () => {
    const windows = new RateWindows({ limit: 1, windowMs: 1000, blockMs: 5000 });
    windows.take('a', 0);
    assert.deepEqual(windows.take('a', 100), {
      allowed: false,
      limit: 1,
      remaining: 0,
      resetSeconds: 5,
    });
    assert.equal(windows.take('a', 2000).allowed, false);
    assert.equal(windows.take('a', 5099).allowed, false);
    assert.equal(windows.take('a', 5100).allowed, true);
  });

  test('clients beyond the cap share one counter', () => {
    const windows = new RateWindows({ ...RULE, limit: 1 }, 2);
    for (const client of ['a', 'b', 'c', 'd', 'e']) windows.take(client, 0);
    assert.equal(windows.take('f', 0).allowed, false);
    assert.equal(windows.clients, 3);
  });

  test('clients that stay away are forgotten, those under a block are not', () => {
    const windows = new RateWindows({ limit: 1, windowMs: 1000, blockMs: 3_600_000 });
    windows.take('gone', 0);
    windows.take('blocked', 0);
    windows.take('blocked', 1);
    windows.take('new', 600_000);
    assert.equal(windows.clients, 2);
    assert.equal(windows.take('blocked', 600_000).allowed, false);
  });

  test('never more than the limit within one window', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, (limit, waits) => {
        const windows = new RateWindows({ limit, windowMs: 1000, blockMs: 0 });
        const perWindow = new Map<number, number>();
        let nowMs = 0;
        for (const waitMs of waits) {
          nowMs += waitMs;
          if (!windows.take('a', nowMs).allowed) continue;
          const first = waits[0] ?? 0;
          const index = Math.floor((nowMs - first) / 1000);
          perWindow.set(index, (perWindow.get(index) ?? 0) + 1);
        }
        for (const used of perWindow.values()) assert.ok(used <= limit);
      }),
    );
  });
});
