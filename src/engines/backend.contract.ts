/** What every backend must declare, whatever it does: it is what help, OpenAPI, completion and forms are made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePaths, expandPattern } from '../core/declared/paths.ts';
import type { Backend, Path } from '../model/backend.ts';

const SUMMARY_LENGTH_MAX = 120;
const PARAM = /\{([A-Za-z0-9_]+)(:any|:uuid|:hex|\.\.[.+])?\}/g;

const SAMPLES: ReadonlyMap<string, string> = new Map([
  [':uuid', '12345678-abcd-4def-8123-123456789abc'],
  [':hex', '1f:0a-2B'],
]);

function isSentence(text: string): boolean {
  return /^[A-Z`"].*[^\s]$/s.test(text) && !/\s{2}/.test(text);
}

function namesIn(pattern: string): string[] {
  return [...pattern.matchAll(PARAM)].map((match) => match[1] ?? '');
}

/** A request path that the pattern matches, with every parameter filled in. */
function sampleOf(pattern: string): string {
  return pattern.replace(
    PARAM,
    (_all, name: string, form = '') => SAMPLES.get(form) ?? `any-${name.replaceAll('_', '')}`,
  );
}

/** Registers the suite for one backend. */
export function testBackendDeclaration<S>(backend: Backend<S>): void {
  const title = (path: Path<S>): string => `${backend.type}: ${path.pattern || '(root)'}`;

  test(`${backend.type} says what it is`, () => {
    assert.match(backend.type, /^[a-z][a-z0-9_-]*$/);
    assert.ok(isSentence(backend.summary), backend.summary);
    assert.ok(backend.summary.length <= SUMMARY_LENGTH_MAX);
    const patterns = backend.paths.map((path) => path.pattern);
    assert.deepEqual(patterns, [...new Set(patterns)], 'a pattern is declared once');
  });

  for (const path of backend.paths) {
    test(`${title(path)} is described`, () => {
      assert.ok(isSentence(path.help.synopsis), 'synopsis');
      const operations = Object.entries(path.operations);
      assert.ok(operations.length > 0, 'has an operation');
      for (const [name, operation] of operations) {
        assert.ok(isSentence(operation.summary), `summary of ${name}`);
        assert.ok(
          operation.summary.length <= SUMMARY_LENGTH_MAX,
          `length of the summary of ${name}`,
        );
      }
      for (const [name, field] of Object.entries(path.fields)) {
        assert.match(name, /^[a-z][a-z0-9_]*$/, 'name of a field');
        assert.ok(isSentence(field.description), `description of ${name}`);
        if (field.sensitive === true) assert.equal(field.default, undefined, `${name} is secret`);
      }
    });

    test(`${title(path)} declares the parameters of its pattern as fields`, () => {
      for (const name of namesIn(path.pattern)) {
        assert.ok(Object.hasOwn(path.fields, name), `field ${name}`);
      }
    });

    test(`${title(path)} can be reached`, () => {
      const match = compilePaths(backend.paths);
      const lists = path.operations.list !== undefined || path.operations.scan !== undefined;
      for (const pattern of expandPattern(path.pattern)) {
        const sample = sampleOf(pattern);
        assert.equal(match(sample)?.path.pattern, path.pattern, sample);
        if (lists && !sample.endsWith('/') && sample !== '') {
          assert.equal(match(`${sample}/`)?.path.pattern, path.pattern, `${sample}/`);
        }
      }
    });
  }
}
