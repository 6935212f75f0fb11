/**
 * What the runtime can tell of itself: samples of running functions and of allocations, and trace events. None of it holds
 * values of the program; a heap snapshot would (keys and secrets among them), so there is none.
 */
import { Session } from 'node:inspector/promises';
import type { HeapProfiler, Profiler } from 'node:inspector';
import type { Clock } from '../../base/clock.ts';
import { RequestError } from '../../model/errors.ts';
import type { Frame, ProfileData, Sample } from './profile-format.ts';

/** 100 samples a second, as Go takes them. */
const CPU_INTERVAL_MICROS = 10_000;
/** On average one allocation is sampled in as many bytes. */
const HEAP_INTERVAL_BYTES = 64 * 1024;
/** Garbage collection and start-up; others would name files and addresses. */
const TRACE_CATEGORIES: readonly string[] = ['v8', 'node.bootstrap', 'node.perf'];
/** Events of one trace; later ones are left out. */
const TRACE_EVENTS_MAX = 200_000;

export interface RuntimeProfiler {
  cpu(seconds: number): Promise<ProfileData>;
  heap(seconds: number, kept: 'live' | 'all'): Promise<ProfileData>;
  /** Events in the form of Chrome's trace viewer. */
  trace(seconds: number): Promise<string>;
}

/** One measurement at a time: each slows the server down, and the runtime has one sampler. */
export function runtimeProfiler(clock: Clock): RuntimeProfiler {
  let busy = false;

  async function measure<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (busy) {
      throw new RequestError('unavailable', 'another profile is being taken, try again later', {
        headers: { 'Retry-After': '10' },
      });
    }
    busy = true;
    const session = new Session();
    session.connect();
    try {
      return await work(session);
    } finally {
      session.disconnect();
      busy = false;
    }
  }

  const pass = (seconds: number): Promise<void> =>
    new Promise((resolve) => clock.after(seconds * 1000, resolve));

  return {
    cpu: (seconds) =>
      measure(async (session) => {
        const startMs = clock.nowMs();
        await session.post('Profiler.enable');
        await session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_MICROS });
        await session.post('Profiler.start');
        await pass(seconds);
        const { profile } = await session.post('Profiler.stop');
        return cpuProfile(profile, startMs);
      }),
    heap: (seconds, kept) =>
      measure(async (session) => {
        const startMs = clock.nowMs();
        await session.post('HeapProfiler.enable');
        const all = kept === 'all';
        await session.post('HeapProfiler.startSampling', {
          samplingInterval: HEAP_INTERVAL_BYTES,
          includeObjectsCollectedByMajorGC: all,
          includeObjectsCollectedByMinorGC: all,
        } as HeapProfiler.StartSamplingParameterType);
        await pass(seconds);
        const { profile } = await session.post('HeapProfiler.stopSampling');
        return heapProfile(profile, { kept, startMs, durationMs: seconds * 1000 });
      }),
    trace: (seconds) =>
      measure(async (session) => {
        const events: unknown[] = [];
        session.on('NodeTracing.dataCollected', ({ params }) => {
          events.push(...params.value.slice(0, TRACE_EVENTS_MAX - events.length));
        });
        const complete = new Promise((resolve) =>
          session.once('NodeTracing.tracingComplete', resolve),
        );
        await session.post('NodeTracing.start', {
          traceConfig: { includedCategories: [...TRACE_CATEGORIES] },
        });
        await pass(seconds);
        await session.post('NodeTracing.stop');
        await complete;
        return JSON.stringify({ traceEvents: events });
      }),
  };
}

/** What V8 counts as no work. */
const IDLE = '(idle)';
const ROOT = '(root)';

function cpuProfile(profile: Profiler.Profile, startMs: number): ProfileData {
  const children = new Map(profile.nodes.map((node) => [node.id, node]));
  const samples: Sample[] = [];
  const walk = (node: Profiler.ProfileNode, above: readonly Frame[]): void => {
    const frames = node.callFrame.functionName === ROOT ? above : [frameOf(node), ...above];
    const hits = node.hitCount ?? 0;
    if (hits > 0 && node.callFrame.functionName !== IDLE) {
      samples.push({ frames, values: [hits, hits * CPU_INTERVAL_MICROS * 1000] });
    }
    for (const id of node.children ?? []) {
      const child = children.get(id);
      if (child !== undefined) walk(child, frames);
    }
  };
  const [root] = profile.nodes;
  if (root !== undefined) walk(root, []);
  const cpu = { type: 'cpu', unit: 'nanoseconds' };
  return {
    sampleTypes: [{ type: 'samples', unit: 'count' }, cpu],
    samples,
    comment: 'Main thread of the server, sampled by V8.',
    startMs,
    durationMs: (profile.endTime - profile.startTime) / 1000,
    period: { ...cpu, value: CPU_INTERVAL_MICROS * 1000 },
  };
}

function heapProfile(
  profile: HeapProfiler.SamplingHeapProfile,
  options: {
    readonly kept: 'live' | 'all';
    readonly startMs: number;
    readonly durationMs: number;
  },
): ProfileData {
  const samples: Sample[] = [];
  const walk = (node: HeapProfiler.SamplingHeapProfileNode, above: readonly Frame[]): void => {
    const frames = node.callFrame.functionName === ROOT ? above : [frameOf(node), ...above];
    if (node.selfSize > 0) samples.push({ frames, values: [node.selfSize] });
    for (const child of node.children) walk(child, frames);
  };
  walk(profile.head, []);
  const space = { type: options.kept === 'live' ? 'inuse_space' : 'alloc_space', unit: 'bytes' };
  return {
    sampleTypes: [space],
    samples,
    comment:
      options.kept === 'live'
        ? 'Allocated on the JavaScript heap of the main thread while this profile was taken, and still in use at its end. What was there before is not in it.'
        : 'Allocated on the JavaScript heap of the main thread while this profile was taken.',
    startMs: options.startMs,
    durationMs: options.durationMs,
    period: { type: 'space', unit: 'bytes', value: HEAP_INTERVAL_BYTES },
  };
}

function frameOf({ callFrame }: Pick<Profiler.ProfileNode, 'callFrame'>): Frame {
  const { functionName, url, lineNumber } = callFrame;
  return {
    name: functionName === '' ? '(anonymous)' : functionName,
    file: url.startsWith('file://') ? url.slice('file://'.length) : url,
    line: lineNumber + 1,
  };
}
