/** Lines, levels and loggers of the operational log. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, readFileSync, renameSync, rmSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogRegistry, LogSink } from './log-lines.ts';
import type { LogFormat } from './log-lines.ts';
import type { LogLevel } from './log.ts';

const AT_MS = Date.UTC(2026, 10, 22, 5, 31, 34, 123);

function setUp(
  level: LogLevel = 'info',
  format: LogFormat = 'standard',
): { registry: LogRegistry; lines: string[] } {
  const lines: string[] = [];
  const clock = { nowMs: () => AT_MS, monotonicMs: () => 0, after: () => () => {} };
  const registry = new LogRegistry({ clock, level, format, write: (line) => lines.push(line) });
  return { registry, lines };
}

test('a standard line has time, level, logger, message and fields', () => {
  const { registry, lines } = setUp();
  registry.root.named('core').info('ready', { term: 3, address: 'a b', gone: undefined });
  registry.root.warn('careful');
  assert.deepEqual(lines, [
    '2026-11-22T05:31:34.123Z [INFO]  core: ready: term=3 address="a b"\n',
    '2026-11-22T05:31:34.123Z [WARN]  careful\n',
  ]);
});

test('a JSON line has the names of hclog', () => {
  const { registry, lines } = setUp('info', 'json');
  registry.root.named('core').error('lost', { count: 2 });
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    '@level': 'error',
    '@message': 'lost',
    '@module': 'core',
    '@timestamp': '2026-11-22T05:31:34.123Z',
    count: 2,
  });
});

test('a message cannot forge a second line', () => {
  const { registry, lines } = setUp();
  registry.root.info('a\nb\u001b[31m', { key: 'c\r\nd' });
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.split('\n').length, 2);
  assert.equal(lines[0]?.includes('\u001b'), false);
  assert.equal(lines[0]?.includes('\r'), false);
});

test('a level holds for one logger, or for all, and can be taken back', () => {
  const { registry, lines } = setUp('warn');
  const core = registry.root.named('core');
  const audit = registry.root.named('audit');
  core.info('hidden');
  assert.equal(registry.setLevel('core', 'debug'), true);
  core.debug('shown');
  audit.info('hidden');
  assert.equal(registry.resetLevel('core'), true);
  core.info('hidden');
  registry.setAllLevels('info');
  audit.info('shown too');
  registry.resetAllLevels();
  audit.info('hidden');
  assert.equal(lines.length, 2);
  assert.equal(registry.setLevel('nobody', 'info'), false);
  assert.equal(registry.resetLevel('nobody'), false);
  assert.deepEqual(
    [...registry.levels()],
    [
      ['audit', 'warn'],
      ['core', 'warn'],
    ],
  );
});

test('a log file can be rotated, and the console sees every line', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a.log');
  const screen = openSync(join(folder, 'console'), 'a');
  const sink = new LogSink(path, screen);
  sink.write('one\n');
  renameSync(path, `${path}.1`);
  sink.reopen();
  sink.write('two\n');
  sink.close();
  closeSync(screen);
  assert.equal(readFileSync(join(folder, 'console'), 'utf8'), 'one\ntwo\n');
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'one\n');
  assert.equal(readFileSync(path, 'utf8'), 'two\n');
});
