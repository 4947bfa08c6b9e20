/** MULTI, EXEC and WATCH where time, other clients, memory and disconnection play a part. Plain sequences are in test/oracle. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const QUEUED = '+QUEUED\r\n';

for (const kind of serversUnderTest()) {
  describe(`${kind}: transactions`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('the commands of a transaction run without others between them', async () => {
      await server.process.call('DEL', 'log');
      const connections = [await server.connect(), await server.connect(), await server.connect()];
      const appends = Array.from({ length: 50 }, () => 'APPEND log X\r\n').join('');
      for (const [at, connection] of connections.entries())
        for (let turn = 0; turn < 5; turn++) {
          connection.send(`MULTI\r\n${appends.replaceAll('X', String(at)).slice(0, 333)}`);
          connection.send(`${appends.replaceAll('X', String(at)).slice(333)}EXEC\r\n`);
        }
      for (const connection of connections)
        await waitFor(() => connection.received.split('*50\r\n').length === 6, { what: 'five EXECs' });
      const log = await server.process.text('GET', 'log');
      assert.match(log, /^((0{50})|(1{50})|(2{50})){15}$/);
    });

    test('a client that goes away takes its transaction and its watches with it', async () => {
      await server.process.call('DEL', 'k');
      const connection = await server.connect();
      await connection.ask('WATCH k other\r\nMULTI\r\nSET k v\r\n', `+OK\r\n+OK\r\n${QUEUED}`);
      connection.close();
      await waitFor(async () => (await server.process.info('clients'))['connected_clients'] === '1', {
        what: 'the end',
      });
      assert.equal(await server.process.call('EXISTS', 'k'), 0);
      assert.equal(await server.process.call('SET', 'k', 'after'), 'OK');
    });

    test('a watched key that the active cycle deletes aborts EXEC', async () => {
      const connection = await server.connect();
      await connection.ask('SET gone v PX 1\r\nWATCH gone\r\n', '+OK\r\n+OK\r\n');
      await waitFor(
        async () => (await server.process.call('DBSIZE')) === 0 || (await server.process.call('EXISTS', 'gone')) === 0,
        {
          what: 'the key to expire',
        },
      );
      // Whether it was dead at WATCH already depends on the clock; a second key is alive there, as EXISTS tells.
      const { expired_keys: before } = await server.process.info('stats');
      const alive = '+OK\r\n+OK\r\n+OK\r\n:1\r\n';
      assert.equal(await connection.ask('UNWATCH\r\nSET gone v PX 500\r\nWATCH gone\r\nEXISTS gone\r\n', alive), alive);
      await waitFor(async () => (await server.process.info('stats'))['expired_keys'] !== before, { what: 'the cycle' });
      const reply = `+OK\r\n${QUEUED}*-1\r\n`;
      assert.equal(await connection.ask('MULTI\r\nPING\r\nEXEC\r\n', reply), reply);
    });

    test('a watched key that was dead at WATCH aborts only if it is born again', async () => {
      await server.process.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
      const other = await server.connect();
      for (const [write, reply] of [
        ['PING\r\n', '*1\r\n+PONG\r\n'],
        ['GET dead\r\n', '*1\r\n+PONG\r\n'],
        ['DEL dead\r\n', '*1\r\n+PONG\r\n'],
        ['FLUSHALL\r\n', '*1\r\n+PONG\r\n'],
        ['SET dead again\r\n', '*-1\r\n'],
      ] as const) {
        await server.process.call('SET', 'dead', 'v', 'PX', '1');
        await server.process.call('DEBUG', 'SLEEP', '0.005');
        const connection = await server.connect();
        await connection.ask('WATCH dead\r\n', '+OK\r\n');
        await other.ask(write, '+');
        assert.equal(
          await connection.ask('MULTI\r\nPING\r\nEXEC\r\n', `+OK\r\n${QUEUED}${reply}`),
          `+OK\r\n${QUEUED}${reply}`,
          write,
        );
        connection.close();
      }
      await server.process.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
    });

    test('without memory nothing more is queued, and EXEC of what needs memory is refused', async () => {
      await server.process.call('FLUSHALL');
      await server.process.call('SET', 'k', 'v');
      const [early, late] = [await server.connect(), await server.connect()];
      await early.ask('MULTI\r\nSET k new\r\nGET k\r\n', `+OK\r\n${QUEUED}${QUEUED}`);
      const reader = await server.connect();
      await reader.ask('MULTI\r\nGET k\r\n', `+OK\r\n${QUEUED}`);
      await server.process.call('CONFIG', 'SET', 'maxmemory', '1');
      assert.equal(await late.ask('SET k new\r\n', OOM), OOM);
      assert.equal(await late.ask('GET k\r\nDEL none\r\n', '$1\r\nv\r\n:0\r\n'), '$1\r\nv\r\n:0\r\n');
      const refused = `-EXECABORT Transaction discarded because of: ${OOM.slice(1)}`;
      assert.equal(await early.ask('EXEC\r\n', refused), refused);
      assert.equal(await early.ask('EXEC\r\n', '-ERR EXEC without MULTI\r\n'), '-ERR EXEC without MULTI\r\n');
      assert.equal(await reader.ask('EXEC\r\n', '*1\r\n$1\r\nv\r\n'), '*1\r\n$1\r\nv\r\n');
      const aborted = `+OK\r\n${OOM}-EXECABORT Transaction discarded because of previous errors.\r\n`;
      assert.equal(await late.ask('MULTI\r\nGET k\r\nEXEC\r\n', aborted), aborted);
      assert.equal(await late.ask('MULTI\r\nDISCARD\r\n', '+OK\r\n+OK\r\n'), '+OK\r\n+OK\r\n');
      await server.process.call('CONFIG', 'SET', 'maxmemory', '0');
      assert.equal(await server.process.call('GET', 'k'), 'v');
    });

    test('what is queued is copied: later input does not change it', async () => {
      const connection = await server.connect();
      const values = Array.from({ length: 200 }, (_, at) => `value-${at}-${'x'.repeat(at * 7)}`);
      connection.send('MULTI\r\n');
      for (const [at, value] of values.entries()) {
        connection.send(`SET q:${at} ${value}\r\n`);
        if (at % 20 === 0) await new Promise(setImmediate);
      }
      connection.send('EXEC\r\n');
      await connection.until(/\*200\r\n(\+OK\r\n){200}$/);
      for (const at of [0, 1, 57, 199]) assert.equal(await server.process.call('GET', `q:${at}`), values[at]);
    });

    test('transactions that are open at the same time, long and short, keep their own requests', async () => {
      const [first, second] = [await server.connect(), await server.connect()];
      for (let round = 0; round < 3; round++) {
        const long = `${round}`.repeat(5000);
        const queued = `+OK\r\n${QUEUED}${QUEUED}`;
        assert.equal(await first.ask(`MULTI\r\nECHO ${long}\r\nECHO a${round}\r\n`, queued), queued);
        assert.equal(await second.ask(`MULTI\r\nECHO b${round}\r\nECHO c\r\n`, queued), queued);
        const firstReply = `*2\r\n$5000\r\n${long}\r\n$2\r\na${round}\r\n`;
        assert.equal(await first.ask('EXEC\r\n', firstReply), firstReply);
        const discarded = `+OK\r\n${QUEUED}+OK\r\n`;
        assert.equal(await first.ask('MULTI\r\nECHO nothing\r\nDISCARD\r\n', discarded), discarded);
        const secondReply = `*2\r\n$2\r\nb${round}\r\n$1\r\nc\r\n`;
        assert.equal(await second.ask('EXEC\r\n', secondReply), secondReply);
      }
    });

    test('SELECT inside is the connection’s database afterwards, also if a later command fails', async () => {
      const connection = await server.connect();
      const reply = `+OK\r\n${QUEUED.repeat(3)}*3\r\n+OK\r\n+OK\r\n-ERR value is not an integer or out of range\r\n$4\r\nfour\r\n`;
      assert.equal(
        await connection.ask('MULTI\r\nSELECT 4\r\nSET k four\r\nINCR k\r\nEXEC\r\nGET k\r\n', reply),
        reply,
      );
    });

    test('a command that takes its time has its place in EXEC’s reply', async () => {
      const connection = await server.connect();
      const reply = `+OK\r\n${QUEUED.repeat(4)}*4\r\n+OK\r\n+OK\r\n+OK\r\n$1\r\nv\r\n+PONG\r\n`;
      const requests =
        'MULTI\r\nCONFIG SET bind 127.0.0.2\r\nSET k v\r\nCONFIG SET bind 127.0.0.1\r\nGET k\r\nEXEC\r\nPING\r\n';
      assert.equal(await connection.ask(requests, reply), reply);
      const failing = `+OK\r\n${QUEUED.repeat(2)}*2\r\n-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.\r\n+PONG\r\n`;
      const refused = 'MULTI\r\nCONFIG SET bind 192.0.2.250\r\nPING\r\nEXEC\r\n';
      assert.equal(await connection.ask(refused, failing), failing);
      // REPLY OFF and SKIP concern it, too.
      connection.received = '';
      connection.send(
        'CLIENT REPLY SKIP\r\nCONFIG SET bind 127.0.0.1\r\nPING\r\nCLIENT REPLY OFF\r\nCONFIG SET bind 127.0.0.1\r\nCLIENT REPLY ON\r\n',
      );
      await connection.until(/^\+PONG\r\n\+OK\r\n$/);
    });

    test('CLIENT PAUSE inside takes effect behind EXEC', async () => {
      const connection = await server.connect();
      const reply = `+OK\r\n${QUEUED.repeat(2)}*2\r\n+OK\r\n+OK\r\n`;
      assert.equal(await connection.ask('MULTI\r\nCLIENT PAUSE 100000 WRITE\r\nSET k v\r\nEXEC\r\n', reply), reply);
      connection.send('SET k late\r\n');
      await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === '1', {
        what: 'the pause',
      });
      await server.process.call('CLIENT', 'UNPAUSE');
      await connection.until(/\+OK\r\n$/);
      await waitFor(async () => (await server.process.call('GET', 'k')) === 'late', { what: 'the write' });
    });
  });
}
