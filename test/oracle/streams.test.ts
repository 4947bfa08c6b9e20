/** Streams and consumer groups beside redis-server. */
import { streamGroups } from './cases/stream-groups.js';
import { streams } from './cases/streams.js';
import { compareWithRealServer } from './harness.js';

// DUMP payloads are compared: LZF may be written in more than one way.
compareWithRealServer([...streams, ...streamGroups], { rdbcompression: 'no' });
