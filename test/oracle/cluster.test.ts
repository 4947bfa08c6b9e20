/** The commands of the cluster, at a node that owns all slots, beside redis-server. */
import { cluster } from './cases/cluster.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(cluster, { 'cluster-enabled': 'yes', 'cluster-node-timeout': 500 });
