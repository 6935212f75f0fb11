/** Gauges about the process itself: memory, processor time, garbage collection, delay of the event loop. */
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { MetricsRegistry } from './metrics.ts';

const EVENT_LOOP_RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Begins to watch; the returned function ends it. */
export function watchRuntime(registry: MetricsRegistry): () => void {
  const gauge = (name: string, help: string): { set(value: number): void } =>
    registry.gauge(name, { help }).of();
  const allocated = gauge('runtime.alloc_bytes', 'Bytes of live and not yet collected objects.');
  const heap = gauge('runtime.heap_bytes', 'Bytes reserved for objects.');
  const external = gauge('runtime.external_bytes', 'Bytes of buffers outside the heap.');
  const resident = gauge('runtime.sys_bytes', 'Bytes of memory that the process holds.');
  const cpu = gauge('runtime.cpu_seconds', 'Processor time used, user and system.');
  const uptime = gauge('runtime.uptime_seconds', 'Seconds since the process started.');
  const runs = gauge('runtime.total_gc_runs', 'Garbage collections since the start.');
  const paused = gauge('runtime.total_gc_pause_ns', 'Time spent in garbage collections.');
  const pauses = registry.summary('runtime.gc_pause_ns', { help: 'Garbage collections.' }).of();
  const delay = registry.gauge('runtime.event_loop_delay', {
    help: 'Delay of the event loop since the last scrape, in milliseconds.',
    labels: ['quantile'],
  });

  const loop = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  loop.enable();
  let pauseTotalNs = 0;
  const collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      pauseTotalNs += duration * NS_PER_MS;
      pauses.observe(duration * NS_PER_MS);
    }
  });
  collections.observe({ entryTypes: ['gc'] });

  registry.onCollect(() => {
    const memory = process.memoryUsage();
    const used = process.cpuUsage();
    allocated.set(memory.heapUsed);
    heap.set(memory.heapTotal);
    external.set(memory.external + memory.arrayBuffers);
    resident.set(memory.rss);
    cpu.set((used.user + used.system) / 1e6);
    uptime.set(process.uptime());
    runs.set(pauses.count);
    paused.set(pauseTotalNs);
    for (const percent of [50, 90, 99]) {
      const ms = loop.percentile(percent) / NS_PER_MS;
      delay.of(String(percent / 100)).set(Math.max(0, ms - EVENT_LOOP_RESOLUTION_MS));
    }
    loop.reset();
  });
  return () => {
    loop.disable();
    collections.disconnect();
  };
}
