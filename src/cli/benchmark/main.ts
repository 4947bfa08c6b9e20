/** Entry of `slotmesh-benchmark`, and of its worker threads. Reading order: benchmark.ts, which tells the rest. */
import { isMainThread } from 'node:worker_threads';
import { UsageError } from '../command-line.js';
import { processTerminal, type Terminal } from '../terminal.js';
import { Benchmark } from './benchmark.js';
import { type BenchmarkLine, InvalidOptionError, scanArguments } from './command-line.js';
import { serveLoadThread } from './load-threads.js';
import { BenchmarkError } from './run-test.js';

async function main(terminal: Terminal): Promise<number> {
  let line: BenchmarkLine;
  try {
    line = scanArguments(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const isForStdout = error.exitCode === 0 || error instanceof InvalidOptionError;
    if (isForStdout) terminal.write(`${error.message}\n`);
    else terminal.writeError(`${error.message}\n`);
    return error.exitCode;
  }
  for (const warning of line.warnings) terminal.writeError(`${warning}\n`);
  try {
    await new Benchmark(line, terminal, new URL(import.meta.url)).run();
    return 0;
  } catch (error) {
    if (!(error instanceof BenchmarkError)) throw error;
    terminal.writeError(`${error.message}\n`);
    return 1;
  }
}

if (isMainThread) process.exitCode = await main(processTerminal());
else serveLoadThread();
