#!/usr/bin/env node
import { startProgram } from './start-program.js';

await startProgram('tools/benchmark.js', 'cli/benchmark/main.js');
