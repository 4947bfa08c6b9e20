/** Strings beside redis-server. */
import { strings } from './cases/strings.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(strings);
