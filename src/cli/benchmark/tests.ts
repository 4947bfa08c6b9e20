/** The tests that the benchmark knows, in their order, with their names and commands (spec/cli.md section 5.3; XADD is of Redis 7.2). */
import type { Command } from './request-batch.js';

export interface BenchmarkTest {
  readonly title: string;
  readonly command: Command;
}

interface TestKind {
  /** `-t` takes any of them. */
  readonly names: readonly string[];
  readonly title: string;
  /** @param key appends the hash tag, if there is one */
  readonly command: (key: (name: string) => string, payload: Buffer, hasRange: boolean) => Command;
}

const RANDOM = '__rand_int__';

/** @param words the command; names of keys are marked by `@`, `#` stands for the payload */
function kind(names: string, title: string, words: string): TestKind {
  return {
    names: names.split(' '),
    title,
    command: (key, payload) => ({
      words: words.split(' ').map((word) => {
        if (word === '#') return payload;
        return word.startsWith('@') ? key(word.slice(1)) : word;
      }),
    }),
  };
}

function lrange(count: number): TestKind {
  const name = `lrange_${count}`;
  return kind(`lrange ${name}`, `LRANGE_${count} (first ${count} elements)`, `LRANGE @mylist 0 ${count - 1}`);
}

const KINDS: readonly TestKind[] = [
  { names: ['ping', 'ping_inline'], title: 'PING_INLINE', command: () => ({ inline: 'PING\r\n' }) },
  kind('ping ping_mbulk', 'PING_MBULK', 'PING'),
  kind('set', 'SET', `SET @key:${RANDOM} #`),
  kind('get', 'GET', `GET @key:${RANDOM}`),
  kind('incr', 'INCR', `INCR @counter:${RANDOM}`),
  kind('lpush', 'LPUSH', 'LPUSH @mylist #'),
  kind('rpush', 'RPUSH', 'RPUSH @mylist #'),
  kind('lpop', 'LPOP', 'LPOP @mylist'),
  kind('rpop', 'RPOP', 'RPOP @mylist'),
  kind('sadd', 'SADD', `SADD @myset element:${RANDOM}`),
  kind('hset', 'HSET', `HSET @myhash element:${RANDOM} #`),
  kind('spop', 'SPOP', 'SPOP @myset'),
  {
    names: ['zadd'],
    title: 'ZADD',
    command: (key, _payload, hasRange) => ({
      words: ['ZADD', key('myzset'), hasRange ? RANDOM : '0', `element:${RANDOM}`],
    }),
  },
  kind('zpopmin', 'ZPOPMIN', 'ZPOPMIN @myzset'),
  kind('lrange lrange_100 lrange_300 lrange_500 lrange_600', 'LPUSH (needed to benchmark LRANGE)', 'LPUSH @mylist #'),
  ...[100, 300, 500, 600].map(lrange),
  kind('mset', 'MSET (10 keys)', `MSET${` @key:${RANDOM} #`.repeat(10)}`),
  kind('xadd', 'XADD', 'XADD @mystream * myfield #'),
];

/**
 * The tests with one of these names, in their own order.
 * @param names  null: all. Names are compared without case; those that are none select nothing
 */
export function selectTests(
  names: ReadonlySet<string> | null,
  { payload, isCluster, hasRange }: { payload: Buffer; isCluster: boolean; hasRange: boolean },
): BenchmarkTest[] {
  // The tag stands where `:` separates a key's name from its number, or at the end.
  const key = (name: string): string => {
    if (!isCluster) return name;
    const [base, ...rest] = name.split(':');
    return [base, '{tag}', ...rest].join(':');
  };
  const chosen = KINDS.filter((each) => names === null || each.names.some((name) => names.has(name)));
  return chosen.map((each) => ({ title: each.title, command: each.command(key, payload, hasRange) }));
}

/** Makes payloads: the same bytes for the same length in every run, going on where the last one ended. */
export class PayloadSource {
  private state = 1234;

  next(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) {
      this.state = (Math.imul(this.state, 1103515245) + 12345) | 0;
      bytes[i] = 0x30 + ((this.state >>> 16) & 63);
    }
    return bytes;
  }
}
