import { eviction } from './cases/eviction.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(eviction);
