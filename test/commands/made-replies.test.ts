/** COMMAND and COMMAND DOCS: the build makes the replies, byte for byte what the server would write, and nobody gets them who should get another. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CommandTable } from '../../src/commands/command-table.js';
import { allCommands } from '../../src/commands/index.js';
import { describeCommands } from '../../src/commands/introspection.js';
import type { RawConnection } from '../support/raw-connection.js';
import { useServer } from '../support/use-server.js';

const bundle = (name: string) => fileURLToPath(new URL(`../../bundle/${name}`, import.meta.url));
const KINDS = ['info', 'docs'] as const;
const PROTOCOLS = [2, 3] as const;

test('the bundle names the folder of its replies, and they are those of the table', () => {
  const [folder] = /replies\/[0-9a-f]{16}\//.exec(readFileSync(bundle('server.script.js'), 'latin1'))!;
  assert.deepEqual(readdirSync(bundle(folder)).sort(), ['docs.resp2', 'docs.resp3', 'info.resp2', 'info.resp3']);
  for (const kind of KINDS) {
    for (const protocol of PROTOCOLS) {
      const made = readFileSync(bundle(`${folder}${kind}.resp${protocol}`));
      assert.ok(made.equals(describeCommands(new CommandTable(allCommands), kind, protocol)), `${kind} ${protocol}`);
    }
  }
});

async function assertReplies(connection: RawConnection, table: CommandTable): Promise<void> {
  for (const protocol of PROTOCOLS) {
    connection.send(`HELLO ${protocol}\r\n`);
    await connection.until(/modules\r\n[*]0\r\n$/);
    for (const kind of KINDS) {
      const expected = Buffer.from(describeCommands(table, kind, protocol)).toString('latin1');
      for (const call of ['first', 'second']) {
        const reply = await connection.ask(kind === 'docs' ? 'COMMAND DOCS\r\n' : 'COMMAND\r\n', expected);
        assert.ok(reply === expected, `${call} ${kind} of protocol ${protocol}`);
      }
    }
  }
}

describe('a server', () => {
  const server = useServer({ kind: 'slotmesh' });

  test('replies with the whole table', async () => {
    await assertReplies(await server.connect(), new CommandTable(allCommands));
  });
});

describe('a server with renamed commands', () => {
  const server = useServer({ kind: 'slotmesh', config: { 'rename-command': ['flushall ""', 'keys list-keys'] } });

  test('replies with what it has', async () => {
    const table = new CommandTable(allCommands);
    assert.equal(table.rename('flushall', ''), '');
    assert.equal(table.rename('keys', 'list-keys'), '');
    await assertReplies(await server.connect(), table);
  });
});
