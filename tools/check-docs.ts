/** Compares the documentation with the code: what exists is documented, and what is documented exists. */
import { COMMANDS_PAGE } from './commands-page.ts';
import { AGENT_PAGE, CONFIG_PAGE } from './config-page.ts';
import { checkPage } from './page-slots.ts';
import { isTest, readPath, readSources } from './source-files.ts';

interface Comparison {
  readonly page: string;
  readonly subject: string;
  /** Names that exist in the code. */
  readonly existing: () => Iterable<string>;
  /** The part of the page that lists them, from a heading to the next. */
  readonly heading?: string;
}

/** Names in the first column of the page's tables, written as code. */
function documentedIn(page: string, heading: string | undefined): string[] {
  const part =
    heading === undefined
      ? page
      : (page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '');
  return [...part.matchAll(/^\| `(?<name>[^`]+)` \|/gm)].map((row) => row.groups?.['name'] ?? '');
}

function dependencyNames(): string[] {
  const manifest = JSON.parse(readPath('package.json') ?? '{}') as Record<
    string,
    Record<string, string> | undefined
  >;
  return ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}),
  );
}

/** The members of the ErrorCode union. */
function errorCodes(): string[] {
  const union = /export type ErrorCode =(?<members>[^;]+);/.exec(
    readPath('src/model/errors.ts') ?? '',
  );
  return [...(union?.groups?.['members'] ?? '').matchAll(/'(?<code>\w+)'/g)].map(
    (member) => member.groups?.['code'] ?? '',
  );
}

/** Where the client and the command line read a variable by its name without prefix. */
const VARIABLE =
  /(?:\bget\(|readVariable\([\w.]+,\s*|flag\(environment,\s*|variable:\s*)'(?<name>[A-Z][A-Z_]+)'/g;

function clientVariables(): Set<string> {
  const files = readSources((path) => /^src\/(?:cli|client)\/.*\.ts$/.test(path) && !isTest(path));
  const names = files.flatMap(({ text }) =>
    [...text.matchAll(VARIABLE)].map((match) => match.groups?.['name'] ?? ''),
  );
  return new Set([...names, 'CLI_NO_COLOR']);
}

const COMPARISONS: readonly Comparison[] = [
  { page: 'docs/dependencies.md', subject: 'package', existing: dependencyNames },
  { page: 'docs/errors.md', subject: 'error code', existing: errorCodes },
  {
    page: 'docs/commands.md',
    heading: 'Environment',
    subject: 'environment variable',
    existing: clientVariables,
  },
];

function compare({ page, subject, existing, heading }: Comparison): string[] {
  const text = readPath(page);
  if (text === undefined) return [`${page} is missing`];
  const names = new Set(existing());
  const documented = new Set(documentedIn(text, heading));
  return [
    ...[...names]
      .filter((name) => !documented.has(name))
      .map((name) => `${page} does not mention the ${subject} ${name}`),
    ...[...documented]
      .filter((name) => !names.has(name))
      .map((name) => `${page} documents the ${subject} ${name}, which does not exist`),
  ];
}

const WRITTEN = [CONFIG_PAGE, AGENT_PAGE, COMMANDS_PAGE];

const problems = [...COMPARISONS.flatMap(compare), ...WRITTEN.flatMap(checkPage)];
for (const problem of problems) console.log(problem);
console.log(
  `docs: ${COMPARISONS.length + WRITTEN.length} comparisons, ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
