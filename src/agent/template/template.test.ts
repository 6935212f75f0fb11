/** Templates: what each construct renders to, as Go's text/template and consul-template have it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../base/clock-fixture.ts';
import { parseJson } from '../../client/json.ts';
import { render } from './evaluate.ts';
import { templateFunctions } from './functions.ts';
import { TemplateError } from './lex.ts';
import { parseTemplate } from './parse.ts';
import { Struct, type Value } from './values.ts';

const DATA = parseJson(
  '{"name":"web","n":5,"big":12345678901234567890,"f":1.5,"on":true,"off":false,"empty":"","list":["b","a"],"map":{"y":"2","x":"1"},"html":"<a&b>"}',
) as Value;

async function rendered(
  source: string,
  missingKeyFails = false,
  dot: Value = DATA,
): Promise<string> {
  const functions = templateFunctions(
    { clock: new ManualClock(Date.UTC(2026, 10, 22, 5, 31, 34)), environment: { HOME: '/root' } },
    { secret: async (path) => new Struct({ Data: { path: path ?? '' } }) },
  );
  return render(parseTemplate(source), { functions, missingKeyFails }, dot);
}

const CASES: readonly (readonly [string, string])[] = [
  ['plain', 'plain'],
  ['{{ .name }}-{{ .n }}-{{.big}}-{{.f}}', 'web-5-12345678901234567890-1.5'],
  ['a {{- " b " -}} c', 'a b c'],
  ['a{{/* nothing */}}b {{- /* nothing */ -}} c', 'abc'],
  ['{{ .missing }}', '<no value>'],
  ['{{ .map }} {{ .list }} {{ nil | print }}', 'map[x:1 y:2] [b a] <nil>'],
  ['{{ if .on }}yes{{ else }}no{{ end }}', 'yes'],
  ['{{ if .off }}a{{ else if .empty }}b{{ else }}c{{ end }}', 'c'],
  ['{{ with .map }}{{ .x }}{{ $.name }}{{ end }}', '1web'],
  ['{{ with .empty }}a{{ else }}b{{ end }}', 'b'],
  ['{{ with .empty }}a{{ else with .name }}{{ . }}{{ end }}', 'web'],
  ['{{ range .list }}[{{ . }}]{{ end }}', '[b][a]'],
  ['{{ range $i, $v := .list }}{{ $i }}={{ $v }};{{ end }}', '0=b;1=a;'],
  ['{{ range $k, $v := .map }}{{ $k }}={{ $v }};{{ end }}', 'x=1;y=2;'],
  ['{{ range $v := .list }}{{ $v }}{{ end }}', 'ba'],
  ['{{ range .none }}x{{ else }}empty{{ end }}', 'empty'],
  [
    '{{ range loop 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}',
    '02',
  ],
  ['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}', '2'],
  ['{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}', '21'],
  ['{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" .name }}', '<web>'],
  ['{{ block "b" .n }}{{ . }}!{{ end }}', '5!'],
  ['{{ .name | printf "%s:%d" "a" }}', 'a:%!d(string=web)'],
  ['{{ printf "%s-%03d-%5.2f-%q-%v%%" .name 7 .f "x" .list }}', 'web-007- 1.50-"x"-[b a]%'],
  ['{{ printf "%-5s|%x" "ab" "hi" }}', 'ab   |6869'],
  ['{{ len .list }} {{ index .list 1 }} {{ index .map "y" }} {{ slice .name 1 }}', '2 a 2 eb'],
  ['{{ and .on .name }} {{ or .empty "d" }} {{ not .off }}', 'web d true'],
  ['{{ and .off (index .list 9) }}', 'false'],
  ['{{ eq .name "a" "web" }}{{ lt 1 2 }}{{ ge 1.5 2 }}', 'truetruefalse'],
  ['{{ (index .map "x") | toUpper }}', '1'],
  ['{{ .html | toJSON }} {{ .html | toUnescapedJSON }}', '"\\u003ca\\u0026b\\u003e" "<a&b>"'],
  ['{{ .map | toJSON }}', '{"x":"1","y":"2"}'],
  ['{{ .big | toJSON }}', '12345678901234567890'],
  ['{{ .map | toYAML }}', 'x: "1"\ny: "2"'],
  ['{{ "aGk=" | base64Decode }} {{ "hi" | base64Encode }}', 'hi aGk='],
  ['{{ "a,b" | split "," | join "+" }} {{ "a-b" | replaceAll "-" "_" }}', 'a+b a_b'],
  ['{{ 10 | subtract 3 }} {{ 7 | divide 2 }} {{ add 1 2 }} {{ 7 | modulo 4 }}', '7 3 3 3'],
  ['{{ if .list | contains "a" }}in{{ end }} {{ "x y" | toTitle }}', 'in X Y'],
  ['{{ "k" | sha256Hex | len }} {{ env "HOME" }} {{ envOrDefault "NONE" "d" }}', '64 /root d'],
  ['{{ timestamp }} {{ timestamp "unix" }}', '2026-11-22T05:31:34Z 1795325494'],
  ['{{ "a\\nb" | indent 2 }}', '  a\n  b'],
  ['{{ with secret "secret/a" }}{{ .Data.path }}{{ end }}', 'secret/a'],
  ['{{ (secret "secret/a").Data.path }}', 'secret/a'],
  ['{{ ("{\\"a\\":[1,2]}" | parseJSON).a }}', '[1 2]'],
  ['{{ `raw "text"` }}', 'raw "text"'],
  ['{{ html "<\'>" }} {{ urlquery "a b&c" }}', '&lt;&#39;&gt; a+b%26c'],
];

for (const [source, expected] of CASES) {
  test(`renders ${source}`, async () => {
    assert.equal(await rendered(source), expected);
  });
}

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['{{', /not closed/],
  ['a\n{{ "x }}', /line 2/],
  ['{{ if .on }}', /has no end/],
  ['{{ end }}', /unexpected end/],
  ['{{ nosuch 1 }}', /no function nosuch/],
  ['{{ $x }}', /no variable \$x/],
  ['{{ break }}', /outside a range/],
  ['{{ template "t" }}', /no template "t"/],
  ['{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', /without end/],
  ['{{ .name.first }}', /a string has no field first/],
  ['{{ .missing.deeper }}', /missing/],
  ['{{ (secret "a").Nope }}', /no field Nope/],
  ['{{ index .list 2 }}', /outside/],
  ['{{ 1 | divide 0 }}', /division by zero/],
  ['{{ .name "x" }}', /no function/],
  ['{{ range loop 2000000 }}{{ end }}', /at most/],
  ['{{ regexMatch "(a+)+$" "aaaa" }}', /not there/],
  [`${'{{ if true }}'.repeat(100)}${'{{ end }}'.repeat(100)}`, /too deeply/],
  [`{{ ${'('.repeat(100)}1${')'.repeat(100)} }}`, /too deeply/],
];

for (const [source, message] of REFUSED) {
  test(`refuses ${source.slice(0, 60)}`, async () => {
    await assert.rejects(rendered(source), (error) => {
      assert.ok(error instanceof TemplateError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

test('a missing key is an error where that is wanted', async () => {
  await assert.rejects(rendered('{{ .missing }}', true), /no key missing/);
  assert.equal(await rendered('{{ .name }}', true), 'web');
});

test('what a map inherits is no key of it', async () => {
  assert.equal(await rendered('{{ .constructor }} {{ .toString }}'), '<no value> <no value>');
  assert.equal(await rendered('{{ index .map "__proto__" }}'), '<no value>');
});

test('text without delimiters comes out as it is, and nothing that is read crashes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      fc.pre(!text.includes('{{'));
      assert.equal(await rendered(text), text);
    }),
  );
  const part = fc.constantFrom(
    '{{',
    '}}',
    '-',
    ' ',
    '.',
    'if',
    'end',
    'range',
    '$x',
    ':=',
    '"',
    '(',
    ')',
    '|',
    'a',
    '1',
    '/*',
    '*/',
    '\n',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 30 }), async (parts) => {
      try {
        await rendered(parts.join(''));
      } catch (error) {
        assert.ok(error instanceof TemplateError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
