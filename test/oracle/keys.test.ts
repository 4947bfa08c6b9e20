/** Generic commands of keys beside redis-server. */
import { keys } from './cases/keys.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(keys);
