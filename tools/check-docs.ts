/** Compares the documentation with the code: what exists is documented, and what is documented exists. */
import { checkConfigPage } from './config-page.ts';
import { readPath } from './source-files.ts';

interface DocumentCheck {
  readonly page: string;
  readonly subject: string;
  /** Names that exist in the code. */
  readonly existing: () => readonly string[];
  /** Names that the page documents. */
  readonly documented: (page: string) => readonly string[];
}

/** Names in the first column of the page's tables, written as code. */
function firstColumnCodes(page: string): string[] {
  return [...page.matchAll(/^\| `(?<name>[^`]+)` \|/gm)].map((row) => row.groups?.['name'] ?? '');
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

const CHECKS: readonly DocumentCheck[] = [
  {
    page: 'docs/dependencies.md',
    subject: 'package',
    existing: dependencyNames,
    documented: firstColumnCodes,
  },
];

function compare(check: DocumentCheck): string[] {
  const text = readPath(check.page);
  if (text === undefined) return [`${check.page} is missing`];
  const existing = new Set(check.existing());
  const documented = new Set(check.documented(text));
  return [
    ...[...existing]
      .filter((name) => !documented.has(name))
      .map((name) => `${check.page} does not mention the ${check.subject} ${name}`),
    ...[...documented]
      .filter((name) => !existing.has(name))
      .map((name) => `${check.page} documents the ${check.subject} ${name}, which does not exist`),
  ];
}

const problems = [...CHECKS.flatMap(compare), ...checkConfigPage()];
for (const problem of problems) console.log(problem);
console.log(`docs: ${CHECKS.length + 1} comparisons, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
