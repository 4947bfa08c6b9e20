/** Bitmaps beside redis-server. */
import { bitmaps } from './cases/bitmaps.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(bitmaps);
