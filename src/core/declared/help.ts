/** Help text from declarations, in the layout that Vault's command line prints. */
import type { Backend, Path } from '../../model/backend.ts';
import type { Field, FieldKind } from '../../model/field.ts';

/** What users of Vault call each kind of field. */
const KIND_NAMES: { readonly [K in FieldKind]: string } = {
  string: 'string',
  lower_string: 'lowercase string',
  bool: 'bool',
  int: 'int',
  float: 'float',
  duration_seconds: 'duration (sec)',
  signed_duration_seconds: 'duration (sec)',
  map: 'map',
  string_map: 'keypair',
  list: 'slice',
  string_list: 'slice',
  comma_string_list: 'slice',
  comma_int_list: 'slice',
  time: 'time',
  any: 'any',
};

const WIDTH = 80;

/** Breaks text at spaces so that lines, `indent` included, stay within {@link WIDTH} where words allow. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((one) => ' '.repeat(indent) + one).join('\n');
}

function fieldHelp(name: string, field: Field): string {
  const notes = [
    field.deprecated === true ? '(DEPRECATED)' : '',
    field.description,
    field.required === true ? 'Required.' : '',
    field.allowedValues === undefined
      ? ''
      : `One of ${field.allowedValues.map((value) => JSON.stringify(value)).join(', ')}.`,
    field.default === undefined || field.sensitive === true
      ? ''
      : `Default: ${JSON.stringify(field.default)}.`,
  ];
  const text = notes.filter((note) => note !== '').join(' ');
  return `    ${name} (${KIND_NAMES[field.kind]})\n\n${wrapped(text, 8)}`;
}

/** Help for one path; `requestPath` is the path below the mount that was asked about. */
export function pathHelp<S>(path: Path<S>, requestPath: string): string {
  const fields = Object.entries(path.fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const operations = Object.entries(path.operations).map(
    ([name, operation]) => `    ${name.padEnd(8)}${operation.summary}`,
  );
  const sections = [
    `Request:        ${requestPath}\nMatching Route: ${path.pattern}`,
    wrapped(path.help.synopsis, 0),
    ...(fields.length === 0
      ? []
      : ['## PARAMETERS', ...fields.map(([name, field]) => fieldHelp(name, field))]),
    '## OPERATIONS',
    operations.join('\n'),
    '## DESCRIPTION',
    wrapped(path.help.description ?? path.help.synopsis, 0),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** Help for a mount: what it is, and its paths. */
export function backendHelp<S>(backend: Backend<S>): string {
  const paths = backend.paths
    .map((path) => [path.pattern || '(root)', path.help.synopsis] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([pattern, synopsis]) => `    ${pattern}\n${wrapped(synopsis, 8)}`);
  const sections = [
    '## DESCRIPTION',
    wrapped(backend.summary, 0),
    '## PATHS',
    wrapped(
      'The following paths are supported by this backend. To view help for any of the paths below, use the help command ' +
        'with any route matching the path pattern. Your policies may not let you use all of them.',
      0,
    ),
    ...paths,
  ];
  return `${sections.join('\n\n')}\n`;
}
