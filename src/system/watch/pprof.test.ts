/** `sys/pprof/*`: profiles that pprof can read, bounded in time, one at a time, without a word of the program's values. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { systemClock } from '../../base/clock.ts';
import { encodeProfile } from './profile-format.ts';
import { openProfiles, PROFILE_SECONDS_MAX } from './pprof.ts';
import type { PprofPorts } from './pprof.ts';
import { runtimeProfiler } from './profiler.ts';
import type { Reply } from '../../model/reply.ts';

/** A part of a second, so that the tests need not wait. */
const BRIEFLY = 0.05;

const ports: PprofPorts = {
  profiler: runtimeProfiler(systemClock),
  nowMs: () => 0,
  commandLine: ['strongroom', '-dev-root-token-id=s3cret', '-config=a'],
  activeResources: () => ['Timeout', 'TCPSocketWrap', 'Timeout'],
};

async function take(name: string, query: Record<string, unknown> = {}): Promise<Reply> {
  const open = openProfiles(ports).get(`sys/pprof/${name}`);
  assert.ok(open !== undefined, name);
  return await open(query);
}

/** Top-level fields of a message: numbers, or the bytes of what is nested. */
function fieldsOf(bytes: Buffer): Map<number, (bigint | Buffer)[]> {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    let value: bigint | Buffer = varint();
    if (key % 8 === 2) {
      const start = at;
      at += Number(value);
      value = bytes.subarray(start, at);
    }
    const field = Math.floor(key / 8);
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

function stringsOf(reply: Reply): string[] {
  const fields = fieldsOf(gunzipSync(reply.raw?.body as Buffer));
  return (fields.get(6) ?? []).map(String);
}

describe('sys/pprof', () => {
  test('lists every profile, and each can be had', async () => {
    const page = String((await take('')).raw?.body);
    const names = [...page.matchAll(/href="(\w+)"/g)].map((match) => match[1] ?? '');
    assert.equal(names.length, 10);
    for (const name of names) {
      const reply = await take(name, { seconds: BRIEFLY });
      assert.ok(reply.raw !== undefined && reply.raw.body.length > 0, name);
    }
  });

  test('a CPU profile names the functions that were running', async () => {
    const taken = take('profile', { seconds: 0.3 });
    const busyWork = function busyWorkOfTheTest(): number {
      const until = performance.now() + 150;
      let sum = 0;
      while (performance.now() < until) sum += Math.sqrt(sum + 1);
      return sum;
    };
    // Once the sampler runs.
    await new Promise((resolve) => setImmediate(resolve));
    busyWork();
    assert.ok(stringsOf(await taken).includes('busyWorkOfTheTest'));
  });

  test('one measurement at a time, and none beyond the time of a request', async () => {
    const running = take('heap', { seconds: BRIEFLY });
    await assert.rejects(take('profile', { seconds: BRIEFLY }), { code: 'unavailable' });
    await running;
    await take('profile', { seconds: BRIEFLY });
    await assert.rejects(take('trace', { seconds: PROFILE_SECONDS_MAX + 1 }), {
      code: 'invalid_request',
    });
  });

  test('counts what keeps the process alive, and hides secrets of the command line', async () => {
    assert.ok(stringsOf(await take('goroutine')).includes('TCPSocketWrap'));
    const line = String((await take('cmdline')).raw?.body);
    assert.equal(line, 'strongroom\0-dev-root-token-id=…\0-config=a');
  });
});

test('every frame, file and number of a profile is in its bytes', () => {
  const frame = fc.record({ name: fc.string(), file: fc.string(), line: fc.nat() });
  const sample = fc.record({
    frames: fc.array(frame, { maxLength: 5 }),
    values: fc.array(fc.nat(), { minLength: 1, maxLength: 1 }),
  });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
      const profile = fieldsOf(
        gunzipSync(
          encodeProfile({
            sampleTypes: [{ type: 't', unit: 'u' }],
            samples,
            comment: 'c',
            startMs: 1,
            durationMs: 2,
          }),
        ),
      );
      const nested = (field: number): Map<number, (bigint | Buffer)[]>[] =>
        (profile.get(field) ?? []).map((bytes) => fieldsOf(bytes as Buffer));
      const strings = (profile.get(6) ?? []).map((bytes) => (bytes as Buffer).toString());
      const functions = new Map(nested(5).map((each) => [each.get(1)?.[0], each]));
      const locations = new Map(nested(4).map((each) => [each.get(1)?.[0], each]));
      assert.equal(strings[0], '');
      const found = nested(2).map((each) => {
        const ids = varints(each.get(1)?.[0] as Buffer);
        return {
          values: varints(each.get(2)?.[0] as Buffer).map(Number),
          frames: ids.map((id) => {
            const line = fieldsOf(locations.get(id)?.get(4)?.[0] as Buffer);
            const called = functions.get(line.get(1)?.[0]);
            return {
              name: strings[Number(called?.get(2)?.[0])],
              file: strings[Number(called?.get(4)?.[0])],
              line: Number(line.get(2)?.[0]),
            };
          }),
        };
      });
      const wellFormed = (text: string): string => Buffer.from(text).toString();
      assert.deepEqual(
        found,
        samples.map(({ frames, values }) => ({
          values,
          frames: frames.map((each) => ({
            ...each,
            name: wellFormed(each.name),
            file: wellFormed(each.file),
          })),
        })),
      );
    }),
    { numRuns: 50 },
  );
});

function varints(bytes: Buffer): bigint[] {
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0n;
    shift = 0n;
  }
  return values;
}
