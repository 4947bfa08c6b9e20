/** CLUSTER NODES as it is read by the tools. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatSlots, parseClusterNodes } from '../../src/client/cluster-nodes.js';

describe('CLUSTER NODES', () => {
  test('flags, slots, open slots and endpoints with a host name are read', () => {
    const [line] = parseClusterNodes(
      'aa 10.0.0.1:7000@17000,host.example myself,master - 0 0 12 connected 0-10 12 [13->-bb] [14-<-cc]\n',
    );
    assert.deepEqual(line, {
      id: 'aa',
      host: '10.0.0.1',
      port: 7000,
      busPort: 17000,
      flags: ['myself', 'master'],
      isMyself: true,
      isPrimary: true,
      isSound: true,
      hasFailed: false,
      primaryId: '',
      configEpoch: 12,
      isLinkUp: true,
      slots: [
        { first: 0, last: 10 },
        { first: 12, last: 12 },
      ],
      openSlots: [
        { slot: 13, state: 'migrating', nodeId: 'bb' },
        { slot: 14, state: 'importing', nodeId: 'cc' },
      ],
    });
    assert.equal(formatSlots(line!.slots), '0-10 12');
  });

  test('a suspected node is not sound, a failed one has failed', () => {
    const [suspected, failed] = parseClusterNodes(
      'aa ::1:1@2 master,fail? - 0 0 1 connected\nbb :0@0 slave,fail,noaddr aa 0 0 1 disconnected\n',
    );
    assert.deepEqual([suspected!.host, suspected!.isSound, suspected!.hasFailed], ['::1', false, false]);
    assert.deepEqual(
      [failed!.isSound, failed!.hasFailed, failed!.isLinkUp, failed!.primaryId],
      [false, true, false, 'aa'],
    );
  });
});
