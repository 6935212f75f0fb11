/** Every published weakness has a test here, one beside the code, or the reason why it waits. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ELSEWHERE, WAITING } from './cases.ts';

const FOLDER = new URL('.', import.meta.url);
/** Ids are stable names; these numbers were never given. */
const LAST = 98;

test('no case stands in two places, and none is misspelt', () => {
  const waiting = WAITING.flatMap(({ ids }) => ids);
  const elsewhere = Object.keys(ELSEWHERE);
  const here = new Set<string>();
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.test.ts'))) {
    const text = readFileSync(new URL(name, FOLDER), 'utf8');
    // In the names of tests only.
    for (const [, title = ''] of text.matchAll(/\btest\(\s*['"`](.*?)['"`],/g)) {
      for (const [id] of title.matchAll(/SEC-\d+/g)) here.add(id);
    }
  }
  assert.ok(here.size >= 20, [...here].join(' '));
  const all = [...waiting, ...elsewhere, ...here];
  assert.deepEqual(
    all.filter((id, index) => all.indexOf(id) !== index),
    [],
  );
  for (const id of all) {
    const number = Number(/^SEC-(\d+)$/.exec(id)?.[1]);
    assert.ok(number >= 1 && number <= LAST, id);
  }
});

test('each case that is tested elsewhere has its tests there, by name', () => {
  for (const [id, tests] of Object.entries(ELSEWHERE)) {
    assert.ok(tests.length > 0, id);
    for (const [file, title] of tests) {
      const text = readFileSync(new URL(`../${file}`, FOLDER), 'utf8');
      const names = [...text.matchAll(/\btest\(\s*['"`](.*?)['"`],/g)].map(([, name]) => name);
      assert.ok(
        names.some((name) => name?.startsWith(title) === true),
        `${id}: no test "${title}…" in ${file}`,
      );
    }
  }
});
