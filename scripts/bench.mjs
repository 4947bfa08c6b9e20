// `npm run bench [-- options]`: sets the clone up, then runs the benchmark.
import './setup.mjs';

await import('../dist/bench/main.js');
