/**
 * In-process metrics under Vault's names: counters, gauges and summaries. Recording costs an addition or two and never
 * allocates; reading (a scrape) pays for everything else. Labels never carry a secret, and every family is bounded: series
 * beyond the bound share one whose label values are {@link OVERFLOW}.
 */

/** Label value of the series that takes what no longer fits. */
export const OVERFLOW = '__overflow__';
/** Series of one family, unless it says otherwise. */
export const SERIES_MAX = 1000;
/** Observations that quantiles are taken from: the newest ones of a series. */
export const WINDOW_OBSERVATIONS = 1024;

export const QUANTILES: readonly number[] = [0.5, 0.9, 0.99];

export type Labels = Readonly<Record<string, string>>;

export class Counter {
  value = 0;
  /** Times it was added to. */
  additions = 0;

  add(amount = 1): void {
    this.value += amount;
    this.additions++;
  }
}

export class Gauge {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  add(amount: number): void {
    this.value += amount;
  }
}

export class Summary {
  count = 0;
  sum = 0;
  sumOfSquares = 0;
  min: number = Infinity;
  max: number = -Infinity;
  #window: Float64Array | undefined;

  observe(value: number): void {
    // Most series of a family are seldom used: their window is made with the first observation.
    this.#window ??= new Float64Array(WINDOW_OBSERVATIONS);
    this.#window[this.count % WINDOW_OBSERVATIONS] = value;
    this.count++;
    this.sum += value;
    this.sumOfSquares += value * value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  /** Values at {@link QUANTILES}, of the newest observations; NaN when there are none. */
  quantiles(): readonly number[] {
    const size = Math.min(this.count, WINDOW_OBSERVATIONS);
    if (this.#window === undefined || size === 0) return QUANTILES.map(() => NaN);
    const sorted = this.#window.slice(0, size).sort();
    return QUANTILES.map((quantile) => sorted[Math.ceil(quantile * size) - 1] ?? NaN);
  }
}

export type MetricKind = 'counter' | 'gauge' | 'summary';

interface SeriesOf {
  counter: Counter;
  gauge: Gauge;
  summary: Summary;
}

export interface FamilyOptions {
  readonly help: string;
  /** Names of the labels, in the order in which {@link Family.of} takes their values. */
  readonly labels?: readonly string[];
  readonly seriesMax?: number;
}

/** Series of one name, told apart by their labels. */
export class Family<K extends MetricKind = MetricKind> {
  readonly kind: K;
  /** With dots, without the prefix: `core.handle_request`. */
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #seriesMax: number;
  readonly #make: () => SeriesOf[K];
  readonly #series = new Map<string, { readonly labels: Labels; readonly series: SeriesOf[K] }>();

  constructor(kind: K, name: string, options: FamilyOptions, make: () => SeriesOf[K]) {
    this.kind = kind;
    this.name = name;
    this.help = options.help;
    this.labelNames = options.labels ?? [];
    this.#seriesMax = options.seriesMax ?? SERIES_MAX;
    this.#make = make;
  }

  /** The series with these label values. Keep it where it is used often. */
  of(...values: readonly string[]): SeriesOf[K] {
    const key = values.length === 1 ? (values[0] ?? '') : values.join('\u0000');
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    if (values.length > 0 && this.#series.size >= this.#seriesMax && values[0] !== OVERFLOW) {
      return this.of(...this.labelNames.map(() => OVERFLOW));
    }
    const labels: Record<string, string> = {};
    for (const [index, name] of this.labelNames.entries()) labels[name] = values[index] ?? '';
    const series = this.#make();
    this.#series.set(key, { labels, series });
    return series;
  }

  /** Forgets all series: before a gauge is measured anew. */
  clear(): void {
    this.#series.clear();
  }

  /** All series with their labels. */
  *[Symbol.iterator](): Generator<{ readonly labels: Labels; readonly series: SeriesOf[K] }> {
    yield* this.#series.values();
  }
}

export class MetricsRegistry {
  readonly #families = new Map<string, Family>();
  readonly #collectors: (() => void)[] = [];

  /** @throws {Error} for a name that another kind has taken */
  #family<K extends MetricKind>(
    kind: K,
    name: string,
    options: FamilyOptions,
    make: () => SeriesOf[K],
  ): Family<K> {
    const known = this.#families.get(name);
    if (known !== undefined) {
      if (known.kind !== kind) throw new Error(`metric ${name} is a ${known.kind}`);
      return known as unknown as Family<K>;
    }
    const family = new Family(kind, name, options, make);
    this.#families.set(name, family);
    return family;
  }

  counter(name: string, options: FamilyOptions): Family<'counter'> {
    return this.#family('counter', name, options, () => new Counter());
  }

  gauge(name: string, options: FamilyOptions): Family<'gauge'> {
    return this.#family('gauge', name, options, () => new Gauge());
  }

  /** Durations are milliseconds, as Vault's dashboards expect. */
  summary(name: string, options: FamilyOptions): Family<'summary'> {
    return this.#family('summary', name, options, () => new Summary());
  }

  /** Runs before every scrape, to set gauges that are measured only then. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** All families by name, with their gauges up to date. */
  collect(): readonly Family[] {
    for (const collect of this.#collectors) collect();
    return [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** The family as the kind that its `kind` says. */
export function isKind<K extends MetricKind>(
  family: Family,
  kind: K,
): family is Family & Family<K> {
  return family.kind === kind;
}
