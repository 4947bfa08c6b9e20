#!/usr/bin/env node
import { startScript } from './start-program.js';

await startScript('server.script.js', 'server.cache', 'server/main.js');
