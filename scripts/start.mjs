// `npm start [-- options]`: sets the clone up, then runs `slotmesh cluster start` in this process.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `This is Node ${process.versions.node}; Slotmesh needs version 20.19 or later. See https://nodejs.org/`,
  );
  process.exit(1);
}
await import('./setup.mjs');
process.argv.splice(2, 0, 'cluster', 'start');
await import('../bin/slotmesh.js');
