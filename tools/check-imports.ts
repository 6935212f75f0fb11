/** Checks every import against the table of tools/layers.ts, and that neither files nor rooms import each other in a circle. */
import { posix } from 'node:path';
import { builtinModules } from 'node:module';
import { LAYERS, OUTSIDE, TESTS_MAY_NAME_MEMBERS_OF } from './layers.ts';
import { isTest, readSources } from './source-files.ts';
import type { Layer } from './layers.ts';
import type { SourceFile } from './source-files.ts';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly kind: 'runtime' | 'type' | 'late';
}

const STATIC =
  /^(?<lead>[ \t]*(?:import|export)\s+(?<type>type\s)?(?:[^'"`;()]*?\bfrom\s*)?)(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/gm;
const LATE = /\bimport\(\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/g;

/** The imports and re-exports of a formatted TypeScript file. `import { type A }` counts as run time: the module is loaded. */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const match of text.matchAll(STATIC)) {
    const specifier = match.groups?.['specifier'] ?? '';
    const kind = match.groups?.['type'] === undefined ? 'runtime' : 'type';
    found.push({ specifier, kind, line: lineAt(text, match.index) });
  }
  for (const match of text.matchAll(LATE)) {
    const specifier = match.groups?.['specifier'] ?? '';
    found.push({ specifier, kind: 'late', line: lineAt(text, match.index) });
  }
  return found;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

interface Place {
  /** First folder below `src/`, or the folder beside it. */
  readonly room: string;
  readonly inSource: boolean;
  /** Folder below a family's top, if any. */
  readonly member: string | undefined;
}

function placeOf(path: string): Place {
  const parts = path.split('/');
  const inSource = parts[0] === 'src';
  const below = inSource ? parts.slice(1) : parts;
  return {
    room: below[0] ?? '',
    inSource,
    member: inSource && below.length > 2 ? below[1] : undefined,
  };
}

const layerOf: ReadonlyMap<string, Layer> = new Map(LAYERS.map((layer) => [layer.room, layer]));
const builtins = new Set(builtinModules);

/** What is wrong with one import, or undefined. */
export function judge(from: string, wanted: Import): string | undefined {
  if (!wanted.specifier.startsWith('.')) return judgePackage(from, wanted.specifier);
  const to = posix.normalize(posix.join(posix.dirname(from), wanted.specifier));
  const source = placeOf(from);
  const target = placeOf(to);
  if (!source.inSource) {
    const allowed = OUTSIDE[source.room] ?? [];
    const fine = source.room === target.room || allowed === '*' || allowed.includes(target.room);
    return fine ? undefined : `${source.room} may not import ${target.room}`;
  }
  if (!target.inSource) {
    // A test may run on a real server that the rig starts.
    return isTest(from) && target.room === 'rig' ? undefined : `src may not import ${target.room}`;
  }
  const layer = layerOf.get(target.room);
  if (layer === undefined) return `${target.room} is no room of tools/layers.ts`;
  return (
    judgeRoom(source, target, wanted.kind, isTest(from)) ??
    judgeMember(source, target, layer, isTest(from))
  );
}

function judgePackage(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  if (builtins.has(specifier)) return `write node:${specifier}`;
  if (isTest(from) || !from.startsWith('src/')) return undefined;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const { room } = placeOf(from);
  return (layerOf.get(room)?.packages ?? []).includes(name)
    ? undefined
    : `${room} may not import the package ${name}`;
}

function judgeRoom(
  source: Place,
  target: Place,
  kind: Import['kind'],
  test: boolean,
): string | undefined {
  const layer = layerOf.get(source.room);
  if (layer === undefined) return `${source.room} is no room of tools/layers.ts`;
  if (source.room === target.room || layer.mayImport === '*') return undefined;
  if (layer.mayImport.includes(target.room)) return undefined;
  if (test && TESTS_MAY_NAME_MEMBERS_OF.includes(target.room)) return undefined;
  if (layer.mayLoadLate?.includes(target.room) === true) {
    return kind === 'runtime'
      ? `${source.room} may load ${target.room} with import() only`
      : undefined;
  }
  return `${source.room} may not import ${target.room}`;
}

function judgeMember(
  source: Place,
  target: Place,
  layer: Layer,
  test: boolean,
): string | undefined {
  if (layer.family !== true || target.member === undefined) return undefined;
  if (source.room === 'server') return undefined;
  if (test && TESTS_MAY_NAME_MEMBERS_OF.includes(target.room)) return undefined;
  if (source.room === target.room && source.member === target.member) return undefined;
  return source.room === target.room && source.member !== undefined
    ? `${source.room}/${source.member} may not import its sibling ${target.member}`
    : `only server may name ${target.room}/${target.member}`;
}

/** Every group of files (or rooms) that import each other, be it types or late (Tarjan's strongly connected components). */
export function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const cycles: string[][] = [];

  function visit(node: string): void {
    order.set(node, order.size);
    low.set(node, order.get(node) ?? 0);
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
      } else if (onStack.has(next)) {
        low.set(node, Math.min(low.get(node) ?? 0, order.get(next) ?? 0));
      }
    }
    if (low.get(node) !== order.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    for (const member of group) onStack.delete(member);
    if (group.length > 1 || (graph.get(node) ?? []).includes(node)) cycles.push(group);
  }

  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return cycles;
}

/** All violations in `files`, one line each. */
export function checkImports(files: readonly SourceFile[]): string[] {
  const problems: string[] = [];
  const graph = new Map<string, string[]>();
  const rooms = new Map<string, string[]>();
  for (const { path, text } of files) {
    const imported: string[] = [];
    for (const wanted of importsOf(text)) {
      const problem = judge(path, wanted);
      if (problem !== undefined) problems.push(`${path}:${wanted.line} ${problem}`);
      if (!wanted.specifier.startsWith('.')) continue;
      imported.push(posix.normalize(posix.join(posix.dirname(path), wanted.specifier)));
    }
    graph.set(path, imported);
    // Tests are at the end of every arrow: nothing imports them.
    if (!isTest(path)) noteRooms(rooms, path, imported);
  }
  for (const cycle of cyclesOf(graph)) problems.push(`import cycle: ${cycle.join(' → ')}`);
  for (const cycle of cyclesOf(rooms)) problems.push(`cycle of rooms: ${cycle.join(' → ')}`);
  return problems;
}

function noteRooms(rooms: Map<string, string[]>, path: string, imported: readonly string[]): void {
  const { room } = placeOf(path);
  const others = imported.map((each) => placeOf(each).room).filter((each) => each !== room);
  rooms.set(room, [...(rooms.get(room) ?? []), ...others]);
}

export function sourceFiles(): SourceFile[] {
  return readSources((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
}

if (import.meta.main) {
  const files = sourceFiles();
  const problems = checkImports(files);
  for (const problem of problems) console.log(problem);
  console.log(`imports: ${files.length} files, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
