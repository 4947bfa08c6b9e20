#!/usr/bin/env node
// Starts the server from its bundle (scripts/bundle.mjs), or from the compiled modules if the compiler has run since: `npx tsc` alone is enough to
// try a change, and stale code is never served.
import { statSync } from 'node:fs';

const timeOf = (file) => statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
const bundle = '../dist/bundle/server.js';
const bundledAt = timeOf(bundle);
const isFresh = bundledAt > 0 && bundledAt >= timeOf('../dist/.tsbuildinfo');
await import(isFresh ? bundle : '../dist/src/server/main.js');
