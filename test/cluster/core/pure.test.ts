/** The pure pieces: addresses, slot bitmaps, majorities, slot table under random operations. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { parseInteger } from '../../../src/cluster/core/admin-reply.js';
import { isAddressText, normalizeIp } from '../../../src/cluster/core/names.js';
import { isQuorum, quorumOf } from '../../../src/cluster/core/quorum.js';
import { equalSlots, forEachSlot, hasSlot, slotRanges, withoutSlots } from '../../../src/cluster/core/slot-bitmap.js';
import { fc } from '../../support/property.js';
import { slotsOf } from './lone.js';

test('addresses are recognised and brought to their normal form', () => {
  const cases: [string, string | null][] = [
    ['127.0.0.1', '127.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['256.0.0.1', null],
    ['01.2.3.4', null],
    ['1.2.3', null],
    ['localhost', null],
    ['', null],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['2001:db8::0:1', '2001:db8::1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['1::2::3', null],
    ['1:2:3:4:5:6:7', null],
    ['12345::', null],
    [':1', null],
    ['fe80::1%eth0', null],
  ];
  for (const [text, normal] of cases) assert.equal(normalizeIp(text), normal, text);
  assert(isAddressText('fe80::1%eth0') && isAddressText('') && isAddressText('my-host.example'));
  assert(!isAddressText('1.2.3.4,x') && !isAddressText('a b') && !isAddressText('x'.repeat(46)));
});

test('integers have one spelling', () => {
  assert.equal(parseInteger('0'), 0n);
  assert.equal(parseInteger('-9223372036854775808'), -9223372036854775808n);
  for (const text of ['', '+1', '01', '-0', ' 1', '1.0', '9223372036854775808', '0x1'])
    assert.equal(parseInteger(text), null, text);
});

test('two quorums of the same size always share a voter', () => {
  for (let size = 1; size < 20; size += 1) assert(2 * quorumOf(size) > size);
  assert(!isQuorum(0, 0), 'nobody is no majority of nobody');
});

test('bitmaps behave like sets of numbers', () => {
  const slots = fc.uniqueArray(fc.integer({ min: 0, max: 16383 }), { maxLength: 200 });
  fc.assert(
    fc.property(slots, slots, (a, b) => {
      const bitmap = slotsOf(...a);
      const seen: number[] = [];
      forEachSlot(bitmap, (slot) => seen.push(slot));
      assert.deepEqual(
        seen,
        [...a].sort((x, y) => x - y),
      );
      const listed = slotRanges(bitmap).flatMap(({ start, end }) =>
        Array.from({ length: end - start + 1 }, (_, i) => start + i),
      );
      assert.deepEqual(listed, seen);
      const rest = withoutSlots(bitmap, slotsOf(...b));
      for (const slot of a) assert.equal(hasSlot(rest, slot), !b.includes(slot));
      assert.equal(equalSlots(bitmap, slotsOf(...a)), true);
    }),
    { numRuns: 50 },
  );
});
