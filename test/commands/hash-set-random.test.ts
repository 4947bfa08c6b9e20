/** The random picks of hashes and sets: every member has the same chance, in every form of the value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longRun } from '../support/tools.js';
import { InProcess } from './in-process.js';

/** Members of what has no long text, and of what is a table. */
const FORMS = [
  { name: 'packed', extra: '' },
  { name: 'table', extra: ` ${'L'.repeat(65)}` },
];
const SIZE = 60;
const PICKS = 60000;

function bulks(reply: string): string[] {
  return reply.split('\r\n').filter((_, at, all) => at > 0 && all[at - 1].startsWith('$'));
}

/** That no count is far from the mean: 6 standard deviations, which by chance happens once in millions of runs. */
function assertFair(counts: Map<string, number>, size: number, picks: number, name: string): void {
  const mean = picks / size;
  const bound = 6 * Math.sqrt(mean);
  assert.equal(counts.size, size, name);
  for (const [member, count] of counts)
    assert.ok(Math.abs(count - mean) < bound, `${name}: ${member} ${count} of ${mean}`);
}

function tally(replies: Iterable<string[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const picked of replies) for (const each of picked) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}

for (const { name, extra } of FORMS) {
  test(`each member has the same chance to be picked: ${name}`, () => {
    const server = new InProcess();
    const size = extra === '' ? SIZE : SIZE + 1;
    const members = Array.from({ length: SIZE }, (_, i) => `m${i}`).join(' ') + extra;
    server.run(`SADD s ${members}`);
    server.run(
      `HSET h ${members
        .split(' ')
        .map((each) => `${each} v`)
        .join(' ')}`,
    );
    for (const command of ['SRANDMEMBER s', 'HRANDFIELD h']) {
      assertFair(tally([bulks(server.run(`${command} -${PICKS}`))]), size, PICKS, command);
      for (const count of [5, 40]) {
        const runs = PICKS / count / 4;
        const replies = Array.from({ length: runs }, () => bulks(server.run(`${command} ${count}`)));
        for (const picked of replies) assert.equal(new Set(picked).size, count, 'no member twice');
        assertFair(tally(replies), size, runs * count, `${command} ${count}`);
      }
    }
  });
}

test('a reply that repeats picks without end is refused', { skip: !longRun && 'takes much memory' }, () => {
  const server = new InProcess();
  server.run(`SADD s ${'x'.repeat(1000000)}`);
  assert.match(server.run('SRANDMEMBER s -1000000'), /^-ERR the reply would exceed 512 MiB\r\n$/);
});
