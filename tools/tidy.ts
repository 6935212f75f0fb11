/**
 * Taste that a machine can check: sizes, opening comments, names, calls that have a replacement, leftovers, titles and links.
 * Sizes are ratcheted: what is over its limit stands in tools/tidy-allowances.json with its present size and may only shrink.
 */
import { posix } from 'node:path';
import { isTest, listPaths, readPath, readSources } from './source-files.ts';
import type { SourceFile } from './source-files.ts';

const SOURCE_LINES_MAX = 350;
const TEST_LINES_MAX = 600;
const FOLDER_FILES_MAX = 20;
const ARCHITECTURE_LINES_MAX = 200;
const ALLOWANCES = 'tools/tidy-allowances.json';

/** Names that say nothing: a drawer is where a room should be. */
const DRAWER =
  /(?:^|[/-])(?:utils?|(?<!token-)helpers?|common|managers?|misc|shared|stuff)(?:[/.-](?!json)|$)/;

interface BannedCall {
  readonly call: RegExp;
  readonly name: string;
  readonly instead: string;
  /** Path prefixes below which it is the right thing. */
  readonly except: readonly string[];
}

const BANNED_CALLS: readonly BannedCall[] = [
  {
    call: /\bDate\.now\(|\bnew Date\(\)/,
    name: 'Date.now() or new Date()',
    instead: 'Clock.nowMs of base/clock.ts',
    except: ['src/base/clock.ts', 'src/client/', 'src/cli/'],
  },
  {
    call: /\bperformance\.now\(/,
    name: 'performance.now()',
    instead: 'Clock.monotonicMs of base/clock.ts',
    except: ['src/base/clock.ts', 'src/client/', 'src/cli/'],
  },
  {
    call: /\bMath\.random\(/,
    name: 'Math.random()',
    instead: 'Random of base/random.ts',
    except: [],
  },
  {
    call: /\b(?:randomBytes|randomUUID|randomFillSync|randomInt|getRandomValues)\(/,
    name: 'a random source of node:crypto',
    instead: 'Random of base/random.ts',
    except: ['src/base/random.ts', 'src/client/', 'src/cli/'],
  },
  {
    call: /\bprocess\.(?:exit|abort)\(/,
    name: 'process.exit()',
    instead: 'World.fatal, or process.exitCode',
    except: ['src/server/', 'src/cli/main.ts'],
  },
  {
    call: /\bprocess\.env\b/,
    name: 'process.env',
    instead: 'a value handed in by src/server or src/cli',
    except: ['src/server/', 'src/cli/'],
  },
  {
    call: /\bconsole\.\w/,
    name: 'console',
    instead: 'Log of base/log.ts, or the terminal of src/cli',
    except: [],
  },
  {
    call: /\bnew RegExp\(|\bRegExp\(/,
    name: 'a RegExp made from text',
    instead: 'a literal, or a hand-written matcher: user text must not become a pattern',
    except: [],
  },
  {
    call: /^import (?!type ).*\bfrom 'node:http';/,
    name: 'an import of node:http',
    instead: 'http of base/node-http.ts: the import loads another HTTP client beside it',
    except: ['src/cli/scripts/'],
  },
  {
    call: /\beval\(|\bnew Function\(/,
    name: 'code made from text',
    instead: 'code',
    except: [],
  },
  {
    call: /(?<!\.)\b(?:exec|execSync)\(\s*[`'"]/,
    name: 'a shell command line',
    instead: 'spawn or execFile with an argument list',
    except: [],
  },
];

const MARKERS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/, 'leftover marker'],
  [/@ts-(?:ignore|nocheck)/, 'type check switched off'],
  [/\b(?:test|it|describe)\.only\(/, 'a test that silences the others'],
  [/(?:ox|es)lint-disable(?!.*\s--\s)/, 'a lint rule switched off without a reason (-- why)'],
  [/(?:^|[\s'"`(=])\/(?:work|root|home\/\w+|Users\/\w+)\//, 'a path of one machine'],
  [
    /\bDESIGN(?:\.md|\s*§)|\b(?:style|reliability|vault-api|security-cases)\.md\b/,
    'a page that is not in this repository',
  ],
];

const TEXT = /\.(?:ts|mjs|js|json|md|sh|hcl|yaml|yml|toml)$|^\.ci\/run$|^bin\//;
/** Files of other origin, and this one, which spells out what it looks for. */
const NOT_LOOKED_AT = /(?:^|\/)(?:package-lock\.json|LICENSE|vectors\/.*|tools\/tidy\.ts)$/;

function checkFile(file: SourceFile): string[] {
  const { path, text } = file;
  const problems: string[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    for (const [marker, meaning] of MARKERS) {
      if (marker.test(line)) problems.push(`${path}:${index + 1} ${meaning}`);
    }
  }
  if (path.endsWith('.ts')) {
    const first = lines.find((line) => line !== '' && !line.startsWith('#!')) ?? '';
    if (!/^\/[*/]/.test(first))
      problems.push(`${path}:1 begin with a comment that says what it is`);
    if (path.startsWith('src/') && !isTest(path)) problems.push(...bannedCalls(path, lines));
  }
  if (path.endsWith('.md')) problems.push(...checkMarkdown(path, lines));
  return problems;
}

function bannedCalls(path: string, lines: readonly string[]): string[] {
  const problems: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (/^\s*(?:\*|\/\/|\/\*)/.test(line)) continue;
    for (const { call, name, instead, except } of BANNED_CALLS) {
      if (call.test(line) && !except.some((prefix) => path.startsWith(prefix))) {
        problems.push(`${path}:${index + 1} ${name}: use ${instead}`);
      }
    }
  }
  return problems;
}

function checkMarkdown(path: string, lines: readonly string[]): string[] {
  const problems: string[] = [];
  let fenced = false;
  let titles = 0;
  for (const [index, line] of lines.entries()) {
    if (/^\s*```/.test(line)) fenced = !fenced;
    if (fenced) continue;
    if (line.startsWith('# ')) titles++;
    for (const link of line.matchAll(/\]\((?<target>[^)#\s]+)(?:#[^)]*)?\)/g)) {
      const target = link.groups?.['target'] ?? '';
      if (/^[a-z]+:/.test(target)) continue;
      const linked = posix.normalize(posix.join(posix.dirname(path), target));
      if (!exists(linked)) problems.push(`${path}:${index + 1} dead link ${target}`);
    }
  }
  if (titles !== 1) problems.push(`${path} has ${titles} titles, want exactly one`);
  if (path === 'ARCHITECTURE.md' && lines.length > ARCHITECTURE_LINES_MAX) {
    problems.push(`${path} has ${lines.length} lines, at most ${ARCHITECTURE_LINES_MAX}`);
  }
  return problems;
}

let known: ReadonlySet<string> | undefined;

function exists(path: string): boolean {
  if (known === undefined) {
    const all = new Set<string>();
    for (const file of listPaths()) {
      for (let at = file; at !== '.'; at = posix.dirname(at)) all.add(at);
    }
    known = all;
  }
  return known.has(path.replace(/\/$/, ''));
}

/** Sizes of files and folders against the limits, with `allowances` for what was over them before. */
export function checkSizes(
  sizes: ReadonlyMap<string, number>,
  limit: (name: string) => number,
  allowances: Readonly<Record<string, number>>,
): string[] {
  const problems: string[] = [];
  for (const [name, size] of sizes) {
    const allowed = Object.hasOwn(allowances, name) ? allowances[name] : undefined;
    const most = limit(name);
    if (allowed === undefined) {
      if (size > most) problems.push(`${name} has ${size}, at most ${most}: split it`);
    } else if (size > allowed) {
      problems.push(`${name} grew from ${allowed} to ${size}; it may only shrink towards ${most}`);
    } else if (size <= most) {
      problems.push(`${name} is within its limit now: take it out of ${ALLOWANCES}`);
    }
  }
  for (const name of Object.keys(allowances)) {
    if (!sizes.has(name)) problems.push(`${ALLOWANCES} names ${name}, which does not exist`);
  }
  return problems;
}

function measure(files: readonly SourceFile[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { path, text } of files) {
    if (!path.endsWith('.ts')) continue;
    sizes.set(path, text.split('\n').length - 1);
    if (isTest(path)) continue;
    const folder = `${posix.dirname(path)}/`;
    sizes.set(folder, (sizes.get(folder) ?? 0) + 1);
  }
  return sizes;
}

function limitOf(name: string): number {
  if (name.endsWith('/')) return FOLDER_FILES_MAX;
  return isTest(name) ? TEST_LINES_MAX : SOURCE_LINES_MAX;
}

/** The pages of docs/decisions/ are numbered without a gap. */
function checkDecisions(paths: readonly string[]): string[] {
  const pages = paths.filter((path) => path.startsWith('docs/decisions/')).sort();
  return pages.flatMap((path, index) => {
    const wanted = `docs/decisions/${String(index + 1).padStart(4, '0')}-`;
    return path.startsWith(wanted) ? [] : [`${path} should begin with ${wanted}`];
  });
}

function tidy(): { files: number; problems: string[] } {
  const paths = listPaths();
  const files = readSources((path) => TEXT.test(path) && !NOT_LOOKED_AT.test(path));
  const allowances = JSON.parse(readPath(ALLOWANCES) ?? '{}') as Record<string, number>;
  const problems = files.flatMap(checkFile);
  for (const path of paths) {
    if (DRAWER.test(path)) problems.push(`${path}: name it after what it holds`);
  }
  problems.push(...checkSizes(measure(files), limitOf, allowances), ...checkDecisions(paths));
  return { files: files.length, problems };
}

if (import.meta.main) {
  const { files, problems } = tidy();
  for (const problem of problems) console.log(problem);
  console.log(`tidy: ${files} files, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
