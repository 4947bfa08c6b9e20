/** Leaves nothing behind: every process and folder that the benchmark made is gone when it ends, however it ends. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const running = new Set<ChildProcess>();
const folders = new Set<string>();
let installed = false;

function cleanUp(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function install(): void {
  if (installed) return;
  installed = true;
  process.on('exit', cleanUp);
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
}

/** @returns to be called when the child has ended by itself */
export function killAtExit(child: ChildProcess): () => void {
  install();
  running.add(child);
  return () => running.delete(child);
}

/** A new temporary folder that is removed at the end of the run. */
export function temporaryFolder(): string {
  install();
  const folder = mkdtempSync(join(tmpdir(), 'slotmesh-bench-'));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}
