/** Sets beside redis-server. */
import { sets } from './cases/sets.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(sets);
