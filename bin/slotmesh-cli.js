#!/usr/bin/env node
import { startProgram } from './start-program.js';

await startProgram('tools/cli.js', 'cli/main.js');
