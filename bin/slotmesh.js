#!/usr/bin/env node
// The umbrella executable: `slotmesh cluster …`, `slotmesh server …` and the other programs, --help, --version. Checks what must be checked before any other file of the
// package can even be read by this Node, then hands over.
import { existsSync, readFileSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `slotmesh: This is Node ${process.versions.node}; version 20.19 or later is needed. See https://nodejs.org/`,
  );
  process.exit(1);
}
const entry = new URL('../dist/src/launcher/main.js', import.meta.url);
if (!existsSync(entry)) {
  console.error(
    'slotmesh: The package is not built yet. Run `npm install` and `npm run build` in its folder, or just `npm start`.',
  );
  process.exit(1);
}

/** Programs of their own, which `slotmesh <name> …` starts with the rest of the words. */
const programs = ['server', 'cli', 'benchmark', 'trib', 'create-cluster', 'check-rdb', 'check-aof'];

if (programs.includes(process.argv[2])) {
  const [name] = process.argv.splice(2, 1);
  await import(`./slotmesh-${name}.js`);
} else {
  const { main } = await import(entry);
  const { processTerminal } = await import('../dist/src/launcher/terminal.js');
  const { listenForStopSignals } = await import('../dist/src/launcher/stop-signals.js');
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.exitCode = await main(process.argv.slice(2), version, processTerminal(), listenForStopSignals);
}
