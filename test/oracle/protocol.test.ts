import { protocol } from './cases/protocol.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(protocol);
