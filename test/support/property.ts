/** fast-check, with the seed of all random tests: a failing property prints it, and `SLOTMESH_FUZZ_SEED` repeats the run. */
import fc from 'fast-check';
import { fuzzSeed } from './fuzz.js';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: fuzzSeed() });

export { fc };
