#!/usr/bin/env node
import { startProgram } from './start-program.js';

await startProgram('server.js', 'server/main.js');
