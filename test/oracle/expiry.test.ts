/** Expiry times, set and passing, beside redis-server. */
import { expiry } from './cases/expiry.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(expiry);
