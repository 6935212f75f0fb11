/** Installs unmodified clients at pinned versions, once: they stay beside the other packages, in folders named after what is in them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const INSTALLED = join(realpathSync(MODULES), '.cache', 'conformance');

const LOOK_AGAIN_MS = 200;
/** Nothing takes as long to install: whoever began it is gone. */
const INSTALL_MS_MAX = 600_000;

/** Makes the folder `lock`, after whoever has it. */
function take(lock: string): void {
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch {
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > INSTALL_MS_MAX) rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
    }
  }
}

/** Runs `install` unless it ran to its end before for this content; suites that share a client wait for each other. */
function installed(name: string, content: string, install: (folder: string) => void): string {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const folder = join(INSTALLED, `${name}-${hash}`);
  const ready = join(folder, 'ready');
  if (existsSync(ready)) return folder;
  mkdirSync(INSTALLED, { recursive: true });
  const lock = `${folder}.lock`;
  take(lock);
  try {
    if (existsSync(ready)) return folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    install(folder);
    mkdirSync(ready);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
  return folder;
}

/** The interpreter of a virtual environment with these requirements. */
export function pythonWith(name: string, requirementsFile: string): string {
  // The programs of an environment name the folder that they lie in: where the checkout has moved, it is made anew.
  const content = readFileSync(requirementsFile, 'utf8') + INSTALLED;
  const folder = installed(name, content, (target) => {
    execFileSync('python3', ['-m', 'venv', target], { stdio: 'inherit' });
    const install = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check'];
    execFileSync(join(target, 'bin', 'python'), [...install, '-r', requirementsFile], {
      stdio: 'inherit',
    });
  });
  return join(folder, 'bin', 'python');
}

/** All files of a folder as one text: what is built of them is built anew when one changes. */
function contentOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
    .join('\n');
}

/** The program of a Go module, with the modules that its go.sum names. */
export function goProgram(name: string, source: string): string {
  const folder = installed(name, contentOf(source), (target) => {
    execFileSync('go', ['build', '-o', join(target, 'program'), '.'], {
      cwd: source,
      stdio: 'inherit',
    });
  });
  return join(folder, 'program');
}

/** The files of a Go module (`path@version`), which stay where Go keeps them. */
export function goModuleFolder(module: string): string {
  const told = execFileSync('go', ['mod', 'download', '-json', module], {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  });
  return (JSON.parse(told) as { readonly Dir: string }).Dir;
}

/** The class path of a Maven project with its dependencies. */
export function javaClasses(name: string, source: string): string {
  const folder = installed(name, contentOf(source), (target) => {
    cpSync(source, target, { recursive: true });
    const goals = ['package', 'dependency:copy-dependencies', '-DoutputDirectory=libraries'];
    execFileSync('mvn', ['-q', '-B', ...goals], { cwd: target, stdio: 'inherit' });
  });
  return [join(folder, 'target', 'classes'), join(folder, 'libraries', '*')].join(delimiter);
}

/** The `node_modules` with these packages (`name@version`). */
export function nodeModulesWith(name: string, packages: readonly string[]): string {
  const folder = installed(name, packages.join('\n'), (target) => {
    const install = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', target];
    execFileSync('npm', [...install, ...packages, '--silent'], { stdio: 'inherit' });
  });
  return join(folder, 'node_modules');
}

/** Path of a program that no registry has: whoever runs its suite has installed it. */
export function programOfMachine(name: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`this suite needs ${name} on the PATH`);
  return found;
}
