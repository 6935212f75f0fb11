/** Counting, quantiles, bounded families, and both text forms. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { goMetrics, prometheusText } from './exposition.ts';
import { MetricsRegistry, OVERFLOW, Summary, WINDOW_OBSERVATIONS } from './metrics.ts';

describe('metrics', () => {
  test('quantiles are those of the sorted newest observations', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), {
      minLength: 1,
      maxLength: 3000,
    });
    fc.assert(
      fc.property(values, (observations) => {
        const summary = new Summary();
        for (const value of observations) summary.observe(value);
        const sorted = observations.slice(-WINDOW_OBSERVATIONS).sort((a, b) => a - b);
        const at = (quantile: number): number =>
          sorted[Math.ceil(quantile * sorted.length) - 1] ?? NaN;
        // Sorting may or may not tell -0 from 0.
        assert.deepEqual(
          summary.quantiles().map((value) => value + 0),
          [at(0.5) + 0, at(0.9) + 0, at(0.99) + 0],
        );
        assert.equal(summary.count, observations.length);
        assert.equal(summary.max, Math.max(...observations));
      }),
      { numRuns: 50 },
    );
  });

  test('a family keeps its bound, whatever labels come', () => {
    const registry = new MetricsRegistry();
    const reads = registry.counter('secret.access.count', {
      help: 'Reads.',
      labels: ['mount', 'path'],
      seriesMax: 3,
    });
    for (let index = 0; index < 1000; index++) reads.of('kv/', `p${index}`).add();
    const series = [...reads];
    assert.equal(series.length, 4);
    const overflow = series.find(({ labels }) => labels['path'] === OVERFLOW);
    assert.deepEqual(overflow?.labels, { mount: OVERFLOW, path: OVERFLOW });
    assert.equal(overflow?.series.value, 997);
  });

  test('the same name is the same family, and no other kind', () => {
    const registry = new MetricsRegistry();
    registry.counter('a', { help: 'A.' }).of().add(2);
    registry.counter('a', { help: 'A.' }).of().add(3);
    assert.equal(registry.counter('a', { help: 'A.' }).of().value, 5);
    assert.throws(() => registry.gauge('a', { help: 'A.' }), /a is a counter/);
  });

  test('Prometheus text', () => {
    const registry = new MetricsRegistry();
    registry
      .counter('quota.rate_limit.violation', { help: 'Refused.', labels: ['name'] })
      .of('a"b\\c\nd')
      .add();
    const unsealed = registry.gauge('core.unsealed', { help: 'Whether unsealed.' });
    registry.onCollect(() => unsealed.of().set(1));
    const handled = registry.summary('core.handle-request', { help: 'Time.' }).of();
    for (const value of [1, 2, 3, 4]) handled.observe(value);
    registry.summary('core.unused', { help: 'Nothing yet.' });
    assert.equal(
      prometheusText(registry),
      '# HELP vault_core_handle_request Time.\n' +
        '# TYPE vault_core_handle_request summary\n' +
        'vault_core_handle_request{quantile="0.5"} 2\n' +
        'vault_core_handle_request{quantile="0.9"} 4\n' +
        'vault_core_handle_request{quantile="0.99"} 4\n' +
        'vault_core_handle_request_sum 10\n' +
        'vault_core_handle_request_count 4\n' +
        '# HELP vault_core_unsealed Whether unsealed.\n' +
        '# TYPE vault_core_unsealed gauge\n' +
        'vault_core_unsealed 1\n' +
        '# HELP vault_quota_rate_limit_violation Refused.\n' +
        '# TYPE vault_quota_rate_limit_violation counter\n' +
        'vault_quota_rate_limit_violation{name="a\\"b\\\\c\\nd"} 1\n',
    );
  });

  test('go-metrics JSON', () => {
    const registry = new MetricsRegistry();
    registry.counter('c', { help: 'C.' }).of().add(4);
    registry
      .gauge('g', { help: 'G.', labels: ['l'] })
      .of('x')
      .set(7);
    const summary = registry.summary('s', { help: 'S.' }).of();
    for (const value of [2, 4, 4, 4, 5, 5, 7, 9]) summary.observe(value);
    assert.deepEqual(goMetrics(registry, { nowMs: 0, seconds: 2 }), {
      Timestamp: '1970-01-01 00:00:00 +0000 UTC',
      Gauges: [{ Name: 'vault.g', Value: 7, Labels: { l: 'x' } }],
      Points: [],
      Counters: [
        {
          Name: 'vault.c',
          Count: 1,
          Rate: 2,
          Sum: 4,
          Min: 0,
          Max: 0,
          Mean: 4,
          Stddev: 0,
          Labels: {},
        },
      ],
      Samples: [
        {
          Name: 'vault.s',
          Count: 8,
          Rate: 20,
          Sum: 40,
          Min: 2,
          Max: 9,
          Mean: 5,
          Stddev: Math.sqrt(32 / 7),
          Labels: {},
        },
      ],
    });
  });
});
