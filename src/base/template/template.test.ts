/** The template language of account names, on templates whose results are known from Go. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { TemplateError, compileTemplate } from './template.ts';
import { checked } from './values.ts';

const FUNCTIONS = {
  upper: checked(['string'], (text: string) => text.toUpperCase()),
  cut: checked(['number', 'string'], (length: number, text: string) => text.slice(0, length)),
};
const DATA = { DisplayName: 'token', RoleName: 'readers', Empty: '' };

function run(template: string): string {
  return compileTemplate(template, Object.keys(FUNCTIONS)).execute(DATA, FUNCTIONS);
}

suite('a template', () => {
  for (const [template, wanted] of [
    ['plain', 'plain'],
    ['a {{.DisplayName}} b', 'a token b'],
    ['{{ .DisplayName | upper }}', 'TOKEN'],
    ['{{ .DisplayName | upper | cut 3 }}', 'TOK'],
    ['{{ cut 2 (upper .RoleName) }}', 'RE'],
    ['{{ printf "v-%s-%s" (.DisplayName | cut 2) .RoleName | cut 6 }}', 'v-to-r'],
    ['{{ printf "%d|%5s|%-5s|%q|%x|%%" 7 "ab" "ab" "a" "a" }}', '7|   ab|ab   |"a"|61|%'],
    ['{{ printf "%s" }}', '%!s(MISSING)'],
    ['a  {{- .DisplayName -}}  b', 'atokenb'],
    ['{{/* nothing */}}x{{- /* nothing */ -}} y', 'xy'],
    ['{{ `raw "text"` }}{{ "\\t" }}', 'raw "text"\t'],
    ['{{ if .Empty }}a{{ else if eq .RoleName "readers" }}b{{ else }}c{{ end }}', 'b'],
    ['{{ if not .Empty }}a{{ if lt 1 2 }}b{{ end }}{{ end }}', 'ab'],
    ['{{ or .Empty .DisplayName }}{{ and .DisplayName .RoleName }}', 'tokenreaders'],
    ['{{ len .RoleName }}{{ true }}', '7true'],
  ] as const) {
    test(`${template} gives ${JSON.stringify(wanted)}`, () => {
      assert.equal(run(template), wanted);
    });
  }

  for (const template of [
    '{{.Bogus',
    '{{ }}',
    '{{ .Missing }}',
    '{{ .constructor }}',
    '{{ .__proto__ }}',
    '{{ bogus }}',
    '{{ toString }}',
    '{{ upper }}',
    '{{ upper 1 }}',
    '{{ "a" "b" }}',
    '{{ ( }}',
    '{{ .DisplayName | }}',
    '{{ if .Empty }}',
    '{{ end }}',
    '{{ range .DisplayName }}{{ end }}',
    '{{ "a }}',
    '('.repeat(10) + '{{ ' + '('.repeat(100) + '1' + ')'.repeat(100) + ' }}',
  ]) {
    test(`${template.slice(0, 40)} is refused`, () => {
      assert.throws(() => run(template), TemplateError);
    });
  }

  test('is text or an error, whatever it is', () => {
    const parts = fc.constantFrom(
      '{{',
      '}}',
      '-',
      ' ',
      '|',
      '(',
      ')',
      '"',
      '`',
      '.DisplayName',
      'if',
      'end',
      'else',
      'printf',
      '%s',
      '/*',
      '*/',
      '3',
      'x',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), (words) => {
        try {
          assert.equal(typeof run(words.join('')), 'string');
        } catch (error) {
          assert.ok(error instanceof TemplateError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
