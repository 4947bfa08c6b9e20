// `npm start [-- options]`: sets the clone up, then runs `slotmesh cluster start` in this process.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `This is Node ${process.versions.node}; Slotmesh needs version 20.19 or later. See https://nodejs.org/`,
  );
  process.exit(1);
}
await import('./setup.mjs');
// npm runs this through a shell; a signal that ends npm and the shell does not get here, and would leave the cluster running unseen.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGTERM'), 500).unref();
process.argv.splice(2, 0, 'cluster', 'start');
await import('../bin/slotmesh.js');
