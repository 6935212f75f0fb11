/** `sys/pprof/*`: profiles of the running server, in the form of Go's pprof where the runtime has what they stand for. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import { encodeProfile } from './profile-format.ts';
import type { ProfileData } from './profile-format.ts';
import type { RuntimeProfiler } from './profiler.ts';
import type { Reply } from '../../model/reply.ts';

export interface PprofPorts {
  readonly profiler: RuntimeProfiler;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** The command line of the process. */
  readonly commandLine: readonly string[];
  /** What keeps the process alive, a word for each thing. */
  readonly activeResources: () => readonly string[];
}

/** Longest measurement: as long as a request may take. */
export const PROFILE_SECONDS_MAX = 90;

interface Profile {
  readonly name: string;
  readonly summary: string;
  /** Seconds that it takes when the caller does not say; 0 = it takes none. */
  readonly seconds: number;
  readonly take: (ports: PprofPorts, seconds: number) => Promise<Reply> | Reply;
}

const PROFILES: readonly Profile[] = [
  {
    name: 'allocs',
    summary: 'A sampling of the allocations of the next seconds.',
    seconds: 2,
    take: async ({ profiler }, seconds) => file('allocs', await profiler.heap(seconds, 'all')),
  },
  {
    name: 'block',
    summary: 'Empty: nothing in this runtime waits for locks.',
    seconds: 0,
    take: (ports) => file('block', contention(ports)),
  },
  {
    name: 'cmdline',
    summary: 'The command line of the server, arguments separated by NUL bytes.',
    seconds: 0,
    take: ({ commandLine }) => text(commandLine.map(withoutSecret).join('\0')),
  },
  {
    name: 'goroutine',
    summary:
      'What keeps the event loop alive (timers, sockets …), counted: there are no goroutines.',
    seconds: 0,
    take: (ports) => file('goroutine', resources(ports)),
  },
  {
    name: 'heap',
    summary: 'A sampling of the allocations of the next seconds that are still in use after them.',
    seconds: 2,
    take: async ({ profiler }, seconds) => file('heap', await profiler.heap(seconds, 'live')),
  },
  {
    name: 'mutex',
    summary: 'Empty: nothing in this runtime waits for locks.',
    seconds: 0,
    take: (ports) => file('mutex', contention(ports)),
  },
  {
    name: 'profile',
    summary: 'CPU profile of the main thread.',
    seconds: 30,
    take: async ({ profiler }, seconds) => file('profile', await profiler.cpu(seconds)),
  },
  {
    name: 'symbol',
    summary: 'Nothing to look up: profiles carry the names of their functions.',
    seconds: 0,
    take: () => text('num_symbols: 0\n'),
  },
  {
    name: 'threadcreate',
    summary: 'Empty: the runtime does not record who created its threads.',
    seconds: 0,
    take: (ports) => file('threadcreate', threads(ports)),
  },
  {
    name: 'trace',
    summary: 'Events of garbage collection and start-up, as JSON for Chrome’s trace viewer.',
    seconds: 1,
    take: async ({ profiler }, seconds) => ({
      raw: { contentType: 'application/json', body: await profiler.trace(seconds) },
      headers: attachment('trace.json'),
    }),
  },
];

export function pprofPaths(ports: PprofPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'pprof[/]',
      fields: {},
      rootNamespaceOnly: true,
      help: { synopsis: 'A page that lists the profiles.' },
      operations: { read: { summary: 'List the profiles', handler: () => index() } },
    }),
    ...PROFILES.map((profile) =>
      defineSystemPath({
        pattern: `pprof/${profile.name}`,
        fields: {
          seconds: {
            kind: 'int',
            query: true,
            description: `How long to measure, at most ${PROFILE_SECONDS_MAX}.`,
          },
        },
        rootNamespaceOnly: true,
        help: { synopsis: profile.summary },
        operations: {
          read: {
            summary: profile.summary,
            outsideEffects: true,
            handler: ({ fields }) => takeProfile(ports, profile, fields.seconds),
          },
        },
      }),
    ),
  ];
}

/** The same without the core, for listeners that serve profiles to anybody. */
export function openProfiles(
  ports: PprofPorts,
): ReadonlyMap<string, (query: Readonly<Record<string, unknown>>) => Promise<Reply>> {
  const open = new Map<string, (query: Readonly<Record<string, unknown>>) => Promise<Reply>>();
  for (const path of ['sys/pprof', 'sys/pprof/']) open.set(path, async () => index());
  for (const profile of PROFILES) {
    open.set(`sys/pprof/${profile.name}`, async (query) => {
      const seconds = query['seconds'] === undefined ? undefined : Number(query['seconds']);
      return await takeProfile(ports, profile, seconds);
    });
  }
  return open;
}

async function takeProfile(
  ports: PprofPorts,
  profile: Profile,
  asked: number | undefined,
): Promise<Reply> {
  if (asked !== undefined && asked > PROFILE_SECONDS_MAX) {
    throw invalidRequest(`seconds ${asked} exceeds max request duration of ${PROFILE_SECONDS_MAX}`);
  }
  // Nonsense counts as nothing said, as the reference has it.
  const seconds = asked === undefined || !(asked > 0) ? profile.seconds : asked;
  return await profile.take(ports, seconds);
}

function index(): Reply {
  const rows = PROFILES.map(
    ({ name, summary }) => `<dt><a href="${name}">${name}</a></dt><dd>${summary}</dd>`,
  );
  return {
    raw: {
      contentType: 'text/html; charset=utf-8',
      body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Profiles</title></head><body><h1>Profiles of this server</h1><dl>${rows.join('')}</dl></body></html>\n`,
    },
    headers: { ...NO_SNIFF, 'Content-Security-Policy': "default-src 'none'" },
  };
}

const NO_SNIFF = { 'X-Content-Type-Options': 'nosniff' };

function attachment(name: string): Readonly<Record<string, string>> {
  return { ...NO_SNIFF, 'Content-Disposition': `attachment; filename="${name}"` };
}

function file(name: string, data: ProfileData): Reply {
  return {
    raw: { contentType: 'application/octet-stream', body: encodeProfile(data) },
    headers: attachment(name),
  };
}

function text(body: string): Reply {
  return { raw: { contentType: 'text/plain; charset=utf-8', body }, headers: NO_SNIFF };
}

function contention({ nowMs }: PprofPorts): ProfileData {
  return {
    sampleTypes: [
      { type: 'contentions', unit: 'count' },
      { type: 'delay', unit: 'nanoseconds' },
    ],
    samples: [],
    comment: 'Nothing in this runtime waits for locks.',
    startMs: nowMs(),
    durationMs: 0,
  };
}

function threads({ nowMs }: PprofPorts): ProfileData {
  return {
    sampleTypes: [{ type: 'threadcreate', unit: 'count' }],
    samples: [],
    comment: 'The runtime does not record who created its threads.',
    startMs: nowMs(),
    durationMs: 0,
  };
}

function resources({ nowMs, activeResources }: PprofPorts): ProfileData {
  const counts = new Map<string, number>();
  for (const name of activeResources()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return {
    sampleTypes: [{ type: 'resource', unit: 'count' }],
    samples: [...counts].map(([name, count]) => ({
      frames: [{ name, file: '', line: 0 }],
      values: [count],
    })),
    comment: 'There are no goroutines: these are the things that keep the event loop alive.',
    startMs: nowMs(),
    durationMs: 0,
  };
}

/** A development server takes its root token as an argument. */
function withoutSecret(argument: string): string {
  const equals = argument.indexOf('=');
  return equals > 0 && /token|key|secret|password/i.test(argument.slice(0, equals))
    ? `${argument.slice(0, equals)}=…`
    : argument;
}
