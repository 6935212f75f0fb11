/** -autocomplete-install: one line in the start file of each shell the user has. */
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT_LOCAL, EXIT_OK } from '../command.ts';
import { COMMANDS } from '../command-table.ts';
import { completionScript } from './script.ts';
import { PROGRAM } from '../help.ts';
import { complainInRed, type Terminal } from '../terminal.ts';

const START_FILES = [
  { shell: 'bash', file: '.bashrc' },
  { shell: 'zsh', file: '.zshrc' },
] as const;
const FISH_FOLDER = '.config/fish';

/** Resolves with the exit code. */
export async function installCompletion(terminal: Terminal, remove: boolean): Promise<number> {
  const home = terminal.homeFolder;
  let count = 0;
  for (const { shell, file } of START_FILES) {
    const path = join(home, file);
    if (!existsSync(path)) continue;
    const line = `eval "$(${PROGRAM} completion ${shell})"`;
    const text = await readFile(path, 'utf8');
    const present = text.split('\n').includes(line);
    if (remove && present) await writeFile(path, text.replace(`${line}\n`, ''));
    if (!remove && !present)
      await appendFile(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
    count++;
  }
  if (existsSync(join(home, FISH_FOLDER))) {
    const folder = join(home, FISH_FOLDER, 'completions');
    const path = join(folder, `${PROGRAM}.fish`);
    if (remove) await rm(path, { force: true });
    else {
      await mkdir(folder, { recursive: true });
      await writeFile(path, completionScript('fish', COMMANDS));
    }
    count++;
  }
  if (count > 0) return EXIT_OK;
  complainInRed(terminal, 'Found no shell to install completion for (bash, zsh or fish).');
  return EXIT_LOCAL;
}
