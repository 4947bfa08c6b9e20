import { cluster } from './cases/cluster.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(cluster, { 'cluster-enabled': 'yes', 'cluster-node-timeout': 500 });
