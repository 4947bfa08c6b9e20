/** OBJECT FREQ and IDLETIME, and what is refused under maxmemory, beside redis-server. */
import { eviction } from './cases/eviction.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(eviction);
