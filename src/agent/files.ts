/** Files that the agent writes: always whole, never readable by more people than they are meant for. */
import { chmod, copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface FileOptions {
  /** Without it the mode of the file that is replaced, else {@link MODE_DEFAULT}. */
  readonly mode: number | undefined;
  readonly createFolders: boolean;
  readonly backup: boolean;
}

const MODE_DEFAULT = 0o644;
const FOLDER_MODE = 0o755;

/** Puts `text` in place of what `path` holds, in one step: a reader sees the old or the new, never a part. */
export async function replaceFile(
  path: string,
  text: string,
  { mode, createFolders, backup }: FileOptions,
): Promise<void> {
  const folder = dirname(path);
  if (createFolders) await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const before = await modeOf(path);
  const draft = join(folder, `.${basename(path)}.${process.pid}.part`);
  try {
    await rm(draft, { force: true });
    // 'wx': what somebody else has put there is not written to. Nobody else reads it before it has its mode.
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(draft, mode ?? before ?? MODE_DEFAULT);
    if (backup && before !== undefined) {
      await copyFile(path, `${path}.bak`);
      await chmod(`${path}.bak`, before);
    }
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
