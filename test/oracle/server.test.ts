/** What a server tells of itself and its clients, beside redis-server. */
import { server } from './cases/server.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(server);
