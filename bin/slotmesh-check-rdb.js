#!/usr/bin/env node
import { startProgram } from './start-program.js';

await startProgram('tools/check-rdb.js', 'cli/check/check-rdb.js');
