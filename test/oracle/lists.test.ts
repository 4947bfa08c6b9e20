/** Lists beside redis-server. */
import { lists } from './cases/lists.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(lists);
