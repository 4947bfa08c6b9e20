/** SORT beside redis-server. */
import { sort, sortInCluster } from './cases/sort.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(sort);
compareWithRealServer(sortInCluster, { 'cluster-enabled': 'yes' });
