/**
 * JIT warm-up, the directive `jit-warmup`: before it serves, the process practises its commands on nodes of its own that nobody sees, so that the first
 * calls that a client makes find compiled code.
 *
 * V8 compiles a function once it has run long enough; until then it is interpreted, ten times slower: the first EXEC of 10,000 SET takes 35 ms, later
 * ones 6. What it has compiled belongs to the code, not to the server object, and serves the next one.
 *
 * A hidden node is reached through a loopback connection, so that the way of a request from the socket and back is practised, too. Nobody else gets in:
 * it has a password of its own, and listens only until that connection is there. Its keyspace goes with it.
 */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { encodeCommands } from '../../client/encode-command.js';
import { RespClient } from '../../client/resp-client.js';
import type { CommandTable } from '../../commands/command-table.js';
import type { Reply } from '../../resp/reply-reader.js';
import { setAuthenticated } from '../authentication.js';
import { Config } from '../config/config.js';
import { Logger } from '../log.js';
import { Node } from '../node.js';
import { collectGarbage } from '../process/engine.js';
import { acceptTransports } from '../transport.js';
import { type Exercise, largeExercise, usualExercises } from './exercises.js';

const ERROR_MARK = 0x2d;
/** Afterwards one more takes hardly less time. */
const FURTHER_ROUNDS = 2;

/**
 * Does what can be done: a server serves without it, too, and the log tells.
 * @param commands for the hidden nodes alone: their statistics are not those of the server
 */
export async function warmUp(commands: CommandTable, log: Logger): Promise<void> {
  const startMs = performance.now();
  const practice = new Practice();
  try {
    await practise(practice, commands);
  } catch (error) {
    practice.failures.push((error as Error).message);
  }
  collectGarbage();
  const { commandCount, failures } = practice;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  log.notice(`JIT warm-up: ${commandCount} commands practised in ${seconds} seconds`);
  if (failures.length > 0) log.warning(`JIT warm-up: ${failures.length} failed, the first with: ${failures[0]}`);
}

/** A round on one node, the others on a second one: what is made once for each keyspace is seen again then, in code that is compiled. */
async function practise(practice: Practice, commands: CommandTable): Promise<void> {
  // Requests are encoded once: that costs more than most of them.
  const usual = usualExercises().map(encodeExercise);
  await onHiddenNode(commands, (client) => practice.runAll(client, usual));
  await onHiddenNode(commands, async (client) => {
    await practice.run(client, encodeExercise(largeExercise()));
    for (let round = 0; round < FURTHER_ROUNDS; round++) await practice.runAll(client, usual);
  });
}

async function onHiddenNode(commands: CommandTable, use: (client: RespClient) => Promise<void>): Promise<void> {
  const config = new Config();
  const password = randomBytes(32).toString('hex');
  config.loadArgs(['--port', '0', '--save', '', '--enable-debug-command', 'yes', '--requirepass', password]);
  const node = new Node(config, new Logger({ level: 'nothing' }), commands);
  const client = await connectTo(node, password);
  try {
    await use(client);
  } finally {
    client.close();
    node.stop();
  }
}

async function connectTo({ server }: Node, password: string): Promise<RespClient> {
  const listener = net.createServer();
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  acceptTransports(listener, (transport) => setAuthenticated(server.accept(transport), false));
  try {
    const { port } = listener.address() as net.AddressInfo;
    return await RespClient.connect({ port, password, replies: 'raw' });
  } finally {
    listener.close();
  }
}

interface EncodedExercise {
  readonly requests: Uint8Array;
  readonly count: number;
  readonly dumped: readonly string[];
}

const encodeExercise = ({ commands, dumped = [] }: Exercise): EncodedExercise => ({
  requests: encodeCommands(commands),
  count: commands.length,
  dumped,
});

class Practice {
  commandCount = 0;
  /** What failed, in the words of the replies; nothing should. */
  readonly failures: string[] = [];

  async runAll(client: RespClient, exercises: readonly EncodedExercise[]): Promise<void> {
    for (const exercise of exercises) await this.run(client, exercise);
  }

  async run(client: RespClient, { requests, count, dumped }: EncodedExercise): Promise<void> {
    this.note(await client.exchange(requests, count));
    const payloads = this.note(await client.pipeline(dumped.map((key) => ['DUMP', key])));
    const restored = await client.pipeline(
      dumped.flatMap((key, i) => [
        ['RESTORE', key, 0, bulkOf(payloads[i]!), 'REPLACE'],
        ['DEBUG', 'DIGEST-VALUE', key],
      ]),
    );
    this.note(restored);
    this.note([await client.call('FLUSHALL', 'SYNC')]);
  }

  private note(replies: readonly Reply[]): readonly Buffer[] {
    this.commandCount += replies.length;
    const raw = replies as readonly Buffer[];
    for (const reply of raw) if (reply[0] === ERROR_MARK) this.failures.push(reply.toString('latin1').trimEnd());
    return raw;
  }
}

/** @param reply `$<length>\r\n<bytes>\r\n` */
const bulkOf = (reply: Buffer): Buffer => reply.subarray(reply.indexOf('\n') + 1, -2);
