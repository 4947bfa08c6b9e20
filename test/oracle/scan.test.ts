/** The SCAN commands beside redis-server. */
import { scan } from './cases/scan.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(scan);
