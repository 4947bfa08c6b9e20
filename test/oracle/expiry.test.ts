import { expiry } from './cases/expiry.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(expiry);
