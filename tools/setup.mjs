// Installs the dependencies when they are missing or older than the lockfile; runs on any Node.js ≥ 20.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function modified(file) {
  try {
    return statSync(root + file).mtimeMs;
  } catch {
    return 0;
  }
}

const installed = modified('node_modules/.package-lock.json');
if (installed === 0 || installed < modified('package-lock.json')) {
  process.stdout.write('Installing dependencies (once) …\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Not `npm ci`: it refuses a lockfile that leaves out optional packages of other platforms.
  const done = spawnSync(npm, ['install', '--no-save', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exit(done.status ?? 1);
}
