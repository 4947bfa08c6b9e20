#!/usr/bin/env node
import { startProgram } from './start-program.js';

await startProgram('tools/trib.js', 'cli/trib/main.js');
