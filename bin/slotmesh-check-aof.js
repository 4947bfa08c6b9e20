#!/usr/bin/env node
import { startProgram } from './start-program.js';

await startProgram('tools/check-aof.js', 'cli/check/check-aof.js');
