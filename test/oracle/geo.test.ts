/** Geo commands beside redis-server. */
import { geo } from './cases/geo.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(geo);
