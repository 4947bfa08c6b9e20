import { server } from './cases/server.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(server);
