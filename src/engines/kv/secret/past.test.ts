/** What a secret was, against a model that remembers every moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { versionThen } from './past.ts';
import { addVersion, deleteVersions, destroyVersions, emptySecret } from './secret.ts';
import type { Secret } from './secret.ts';

const RULES = { maxVersions: 3, deleteVersionAfterSeconds: 0 };

type Step = 'write' | 'delete' | 'destroy' | 'remove' | 'snapshot';
const steps = fc.array(
  fc.constantFrom<Step>('write', 'write', 'delete', 'destroy', 'remove', 'snapshot'),
  { maxLength: 25 },
);

interface Moment {
  readonly atMs: number;
  /** Of the version that a read was answered with; undefined = none. */
  readonly id: string | undefined;
}

/** Plays the steps, a second apart, and remembers what each moment was like. */
function play(list: readonly Step[]): {
  live: Secret | undefined;
  snapshot: { secret: Secret | undefined; atMs: number } | undefined;
  moments: Moment[];
} {
  let live: Secret | undefined;
  let snapshot: { secret: Secret | undefined; atMs: number } | undefined;
  let current: string | undefined;
  const moments: Moment[] = [];
  list.forEach((step, index) => {
    const atMs = 1_000_000 + index * 1000;
    if (step === 'write') {
      live = addVersion(live ?? emptySecret(atMs), { id: `v${index}` }, RULES, atMs).secret;
      current = `v${index}`;
    } else if (step === 'snapshot') snapshot = { secret: live, atMs: atMs + 500 };
    else if (live !== undefined) {
      if (step === 'remove') live = undefined;
      else if (step === 'delete') live = deleteVersions(live, [live.newest], atMs);
      else live = destroyVersions(live, [live.newest]).secret;
      current = undefined;
    }
    moments.push({ atMs: atMs + 500, id: current });
  });
  return { live, snapshot, moments };
}

test('what is found is what was there; never another version', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const { live, snapshot, moments } = play(list);
      for (const { atMs, id } of moments) {
        const tables = { live, snapshot: snapshot?.secret };
        const then = versionThen(tables, atMs, snapshot?.atMs ?? 0);
        if (then.state !== 'found') continue;
        // That it was deleted or destroyed by then the present tells only as long as it has the version.
        if (id !== undefined) assert.equal(then.version.id, id);
        else {
          const now = live?.versions.find((one) => one.id === then.version.id);
          assert.ok(now === undefined || now.destroyed === true);
        }
      }
    }),
  );
});

test('at the time of the snapshot everything that could be read then is found in it', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const { live, snapshot, moments } = play(list);
      if (snapshot === undefined) return;
      const id = moments.find(({ atMs }) => atMs === snapshot.atMs)?.id;
      const tables = { live, snapshot: snapshot.secret };
      const then = versionThen(tables, undefined, snapshot.atMs);
      if (id === undefined) assert.notEqual(then.state, 'found');
      else assert.deepEqual([then.state, 'version' in then && then.version?.id], ['found', id]);
    }),
  );
});

test('a version that fell out of the table is lost, not absent', () => {
  let secret: Secret = emptySecret(0);
  for (let count = 1; count <= 5; count++) {
    ({ secret } = addVersion(secret, { id: `v${count}` }, RULES, count * 1000));
  }
  const at = (ms: number): string =>
    versionThen({ live: secret, snapshot: undefined }, ms, 0).state;
  assert.equal(at(1500), 'lost');
  assert.equal(at(3500), 'found');
  assert.equal(at(-1), 'absent');
});
