/** Sorted sets beside redis-server. */
import { zsets } from './cases/zsets.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(zsets);
