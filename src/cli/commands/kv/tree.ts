/** kv tree and kv search: all names of a mount or folder. Names alone are read, never values. */
import type { Client } from '../../../client/client.ts';
import { ApiError } from '../../../client/errors.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { cleanPath } from '../../paths.ts';
import { listKeys, printDocument, say } from '../../render/output.ts';
import { compareBytes } from '../../render/values.ts';
import { findTarget } from './path.ts';

/** Folders asked for when the server cannot scan; more would be a flood of requests. */
const FOLDERS_MAX = 10_000;

export async function tree(invocation: Invocation): Promise<number> {
  const names = await readNames(invocation, invocation.args[0] ?? '');
  if (invocation.format !== 'table') return printDocument(invocation, names);
  for (const line of treeLines(names)) say(invocation, line);
  return EXIT_OK;
}

export async function search(invocation: Invocation): Promise<number> {
  const words = (invocation.args[0] ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const all = await readNames(invocation, invocation.args[1] ?? '');
  const found = all.filter((name) => {
    const lower = name.toLowerCase();
    return words.every((word) => lower.includes(word));
  });
  if (invocation.format !== 'table') await printDocument(invocation, found);
  else if (found.length === 0) throw new CommandFailure(EXIT_SERVER, 'No matching key found');
  else for (const name of found) say(invocation, name);
  return found.length > 0 ? EXIT_OK : EXIT_SERVER;
}

async function readNames(invocation: Invocation, prefix: string): Promise<string[]> {
  if (prefix === '' && invocation.flags.text('mount') === '') {
    throw new CommandFailure(EXIT_LOCAL, 'Say where: a mount or folder, or -mount');
  }
  const path = (await findTarget(invocation, prefix)).pathIn('metadata');
  const client = await invocation.session.client();
  const names = await attempt(`Error listing ${path}`, scanOrWalk(client, path));
  if (names.length === 0) throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  return names.sort(compareBytes);
}

/** One scan where the server and the policy allow it, else folder by folder. */
async function scanOrWalk(client: Client, path: string): Promise<string[]> {
  try {
    const keys = listKeys(await client.scan(path));
    if (keys !== undefined) return keys.filter((key) => !key.endsWith('/'));
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status >= 500) throw cause;
  }
  return walk(client, path);
}

async function walk(client: Client, path: string): Promise<string[]> {
  const names: string[] = [];
  const folders = [''];
  for (let count = 0; folders.length > 0; count++) {
    if (count >= FOLDERS_MAX)
      throw new Error(`more than ${FOLDERS_MAX} folders; name a smaller one`);
    const folder = folders.shift() ?? '';
    const keys = listKeys(await client.list(cleanPath(`${path}/${folder}`))) ?? [];
    for (const key of keys) (key.endsWith('/') ? folders : names).push(folder + key);
  }
  return names;
}

interface Branch {
  readonly children: Map<string, Branch>;
}

export function treeLines(names: readonly string[]): string[] {
  const root: Branch = { children: new Map() };
  for (const name of names) {
    let branch = root;
    const parts = name.split('/');
    parts.forEach((part, index) => {
      // A key and a folder may share a name; the slash tells them apart.
      const label = index < parts.length - 1 ? `${part}/` : part;
      const next = branch.children.get(label) ?? { children: new Map() };
      branch.children.set(label, next);
      branch = next;
    });
  }
  return drawBranch(root, '');
}

function drawBranch(branch: Branch, indent: string): string[] {
  const entries = [...branch.children];
  return entries.flatMap(([label, child], index) => {
    const last = index === entries.length - 1;
    const below = drawBranch(child, `${indent}${last ? '    ' : '│   '}`);
    return [`${indent}${last ? '└── ' : '├── '}${label}`, ...below];
  });
}
