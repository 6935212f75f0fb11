/** Lists the files that the checks look at: tracked files and new ones that are not ignored. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The root of the checkout, with a trailing slash. */
export const ROOT: string = fileURLToPath(new URL('..', import.meta.url));

export interface SourceFile {
  /** Path from the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every tracked or untracked, not ignored file that still exists. */
export function listPaths(): string[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--deduplicate'],
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  return listed.split('\0').filter((path) => path !== '' && path !== 'node_modules');
}

export function readPath(path: string): string | undefined {
  try {
    return readFileSync(ROOT + path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The files whose path `matches`, read. */
export function readSources(matches: (path: string) => boolean): SourceFile[] {
  return listPaths()
    .filter(matches)
    .flatMap((path) => {
      const text = readPath(path);
      return text === undefined ? [] : [{ path, text }];
    });
}

export function isTest(path: string): boolean {
  return /\.(?:test|contract|testkit)\.ts$/.test(path);
}
