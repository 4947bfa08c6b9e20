// Makes a fresh clone ready: installs by the lock file and builds, each only when needed. Used by `npm start` and `npm test`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status !== 0) {
    console.error(`${command} ${args.join(' ')} failed (exit code ${done.status ?? done.signal}).`);
    process.exit(done.status ?? 1);
  }
}

function mtimeMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newestSourceMs(folder) {
  if (!existsSync(folder)) return 0;
  let newest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) newest = Math.max(newest, mtimeMs(join(entry.parentPath, entry.name)));
  }
  return newest;
}

export function ensureInstalled() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (mtimeMs(marker) < mtimeMs(join(root, 'package-lock.json'))) run('npm', ['ci', '--no-fund', '--no-audit']);
}

export function ensureBuilt() {
  const built = mtimeMs(join(root, 'dist', '.tsbuildinfo'));
  const sources = ['src', 'test', 'bench'].map((name) => newestSourceMs(join(root, name)));
  if (built < Math.max(...sources, mtimeMs(join(root, 'tsconfig.json')))) run('npm', ['run', '--silent', 'build']);
}

ensureInstalled();
ensureBuilt();
