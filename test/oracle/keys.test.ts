import { keys } from './cases/keys.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(keys);
