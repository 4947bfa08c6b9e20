// `npm run sim [-- options]`: sets the clone up, then runs the cluster simulator.
import './setup.mjs';

const { main } = await import('../dist/src/sim/main.js');
process.exitCode = await main(process.argv.slice(2));
