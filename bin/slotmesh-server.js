#!/usr/bin/env node
import { startScript } from './start-program.js';

await startScript('server.js', 'server/main.js');
