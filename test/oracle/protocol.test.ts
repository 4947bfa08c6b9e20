/** The protocol beside redis-server: inline requests, errors, HELLO, limits. */
import { protocol } from './cases/protocol.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(protocol);
