/** Installs unmodified clients at pinned versions, once: they stay beside the other packages, in folders named after what is in them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTALLED = fileURLToPath(new URL('../node_modules/.cache/conformance/', import.meta.url));

/** Runs `install` unless it ran to its end before for this content. */
function installed(name: string, content: string, install: (folder: string) => void): string {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const folder = join(INSTALLED, `${name}-${hash}`);
  const ready = join(folder, 'ready');
  if (existsSync(ready)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  install(folder);
  mkdirSync(ready);
  return folder;
}

/** The interpreter of a virtual environment with these requirements. */
export function pythonWith(name: string, requirementsFile: string): string {
  const folder = installed(name, readFileSync(requirementsFile, 'utf8'), (target) => {
    execFileSync('python3', ['-m', 'venv', target], { stdio: 'inherit' });
    const install = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check'];
    execFileSync(join(target, 'bin', 'python'), [...install, '-r', requirementsFile], {
      stdio: 'inherit',
    });
  });
  return join(folder, 'bin', 'python');
}

/** The `node_modules` with these packages (`name@version`). */
export function nodeModulesWith(name: string, packages: readonly string[]): string {
  const folder = installed(name, packages.join('\n'), (target) => {
    const install = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', target];
    execFileSync('npm', [...install, ...packages, '--silent'], { stdio: 'inherit' });
  });
  return join(folder, 'node_modules');
}
