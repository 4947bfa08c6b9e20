#!/usr/bin/env node
import { startProgram } from './start-program.js';

await startProgram('tools/create-cluster.js', 'cli/create-cluster/main.js');
