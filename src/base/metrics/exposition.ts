/** Metrics as text: the Prometheus exposition format 0.0.4, and the JSON of HashiCorp's go-metrics. */
import { isKind, QUANTILES } from './metrics.ts';
import type { Labels, MetricsRegistry, Summary } from './metrics.ts';

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** `vault` and `core.handle-request` make `vault_core_handle_request`. */
function prometheusName(prefix: string, name: string): string {
  return `${prefix}.${name}`.replaceAll(/[^a-zA-Z0-9_:]/g, '_');
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function labelText(labels: Labels, extra = ''): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  if (extra !== '') parts.push(extra);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function summaryLines(name: string, labels: Labels, summary: Summary): string {
  const quantiles = summary.quantiles();
  let text = '';
  for (const [index, quantile] of QUANTILES.entries()) {
    const value = numberText(quantiles[index] ?? NaN);
    text += `${name}${labelText(labels, `quantile="${quantile}"`)} ${value}\n`;
  }
  const tags = labelText(labels);
  return `${text}${name}_sum${tags} ${numberText(summary.sum)}\n${name}_count${tags} ${summary.count}\n`;
}

/** @param prefix first part of every name, `vault` by default */
export function prometheusText(registry: MetricsRegistry, prefix = 'vault'): string {
  let text = '';
  for (const family of registry.collect()) {
    const name = prometheusName(prefix, family.name);
    let lines = '';
    if (isKind(family, 'summary')) {
      for (const { labels, series } of family) lines += summaryLines(name, labels, series);
    } else if (isKind(family, 'counter')) {
      for (const { labels, series } of family) {
        lines += `${name}${labelText(labels)} ${numberText(series.value)}\n`;
      }
    } else if (isKind(family, 'gauge')) {
      for (const { labels, series } of family) {
        lines += `${name}${labelText(labels)} ${numberText(series.value)}\n`;
      }
    }
    if (lines === '') continue;
    const help = family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${family.kind}\n${lines}`;
  }
  return text;
}

interface Sample {
  readonly Name: string;
  readonly Count: number;
  readonly Rate: number;
  readonly Sum: number;
  readonly Min: number;
  readonly Max: number;
  readonly Mean: number;
  readonly Stddev: number;
  readonly Labels: Labels;
}

/** Values of one series since the start; the rate is per second of that time. */
function summarySample(name: string, labels: Labels, summary: Summary, seconds: number): Sample {
  const { count, sum, sumOfSquares } = summary;
  const mean = count === 0 ? 0 : sum / count;
  const variance = count < 2 ? 0 : (sumOfSquares - sum * mean) / (count - 1);
  return {
    Name: name,
    Count: count,
    Rate: seconds > 0 ? sum / seconds : 0,
    Sum: sum,
    Min: count === 0 ? 0 : summary.min,
    Max: count === 0 ? 0 : summary.max,
    Mean: mean,
    Stddev: Math.sqrt(Math.max(0, variance)),
    Labels: labels,
  };
}

/** What `GET sys/metrics` answers without a format. */
export interface GoMetrics {
  readonly Timestamp: string;
  readonly Gauges: readonly {
    readonly Name: string;
    readonly Value: number;
    readonly Labels: Labels;
  }[];
  readonly Points: readonly never[];
  readonly Counters: readonly Sample[];
  readonly Samples: readonly Sample[];
}

export interface GoMetricsOptions {
  readonly prefix?: string;
  readonly nowMs: number;
  /** How long the registry has been counting. */
  readonly seconds: number;
}

export function goMetrics(registry: MetricsRegistry, options: GoMetricsOptions): GoMetrics {
  const { prefix = 'vault', nowMs, seconds } = options;
  const gauges: GoMetrics['Gauges'][number][] = [];
  const counters: Sample[] = [];
  const samples: Sample[] = [];
  for (const family of registry.collect()) {
    const name = `${prefix}.${family.name}`;
    if (isKind(family, 'gauge')) {
      for (const { labels, series } of family) {
        gauges.push({ Name: name, Value: series.value, Labels: labels });
      }
    } else if (isKind(family, 'counter')) {
      for (const { labels, series } of family) {
        const { additions: count, value: sum } = series;
        counters.push({
          Name: name,
          Count: count,
          Rate: seconds > 0 ? sum / seconds : 0,
          Sum: sum,
          Min: 0,
          Max: 0,
          Mean: count === 0 ? 0 : sum / count,
          Stddev: 0,
          Labels: labels,
        });
      }
    } else if (isKind(family, 'summary')) {
      for (const { labels, series } of family) {
        samples.push(summarySample(name, labels, series, seconds));
      }
    }
  }
  return {
    Timestamp: timestamp(nowMs),
    Gauges: gauges,
    Points: [],
    Counters: counters,
    Samples: samples,
  };
}

/** `2026-11-22 06:17:10 +0000 UTC` */
function timestamp(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}
