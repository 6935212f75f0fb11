/** Why a file that somebody named cannot be read. */
import { NotTextError } from './text-input.ts';

/** In the words that other tools use. */
export function whyNotOpened(path: string, cause: unknown): string {
  if (cause instanceof NotTextError) return `${path}: ${cause.message}`;
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  return `open ${path}: ${missing ? 'no such file or directory' : 'cannot be read'}`;
}
