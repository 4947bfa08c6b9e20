/** Hashes beside redis-server. */
import { hashes } from './cases/hashes.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(hashes);
