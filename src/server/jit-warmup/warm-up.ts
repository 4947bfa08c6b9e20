/**
 * JIT warm-up, the directive `jit-warmup`: before it serves, the process practises its commands on a node of its own that nobody sees, so that the first
 * calls that a client makes find compiled code.
 *
 * V8 compiles a function once it has run long enough; until then it is interpreted, ten times slower: the first EXEC of 10,000 SET takes 50 ms instead
 * of 6, the first thousand SET 20 µs each. What it has compiled belongs to the code, not to the server object, and serves the next one.
 *
 * The hidden node is reached through a loopback connection, so that the way of a request from the socket and back is practised, too. Nobody else gets in:
 * it has a password of this run, and listens only until that connection is there. Its keyspace goes with it.
 */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { type Arg, encodeCommands } from '../../client/encode-command.js';
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
/** After so many rounds a further one takes hardly less time. */
const ROUNDS = 3;

/** @param commands for the hidden node alone: their statistics are not those of the server */
export async function warmUp(commands: CommandTable, log: Logger): Promise<void> {
  const startMs = performance.now();
  const { commandCount, failures } = await practise(commands);
  collectGarbage();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  log.notice(`JIT warm-up: ${commandCount} commands practised in ${seconds} seconds`);
  if (failures.length > 0)
    log.warning(`JIT warm-up: ${failures.length} commands failed, the first with ${failures[0]}`);
}

async function practise(commands: CommandTable): Promise<Practice> {
  const config = new Config();
  const password = randomBytes(32).toString('hex');
  config.loadArgs(['--port', '0', '--save', '', '--enable-debug-command', 'yes', '--requirepass', password]);
  const node = new Node(config, new Logger({ level: 'nothing' }), commands);
  const client = await connectTo(node, password);
  try {
    const practice = new Practice(client);
    // Requests are encoded once: that costs more than most of them.
    const usual = usualExercises().map(encodeExercise);
    for (let round = 0; round < ROUNDS; round++) for (const exercise of usual) await practice.run(exercise);
    await practice.run(encodeExercise(largeExercise()));
    return practice;
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

  constructor(private readonly client: RespClient) {}

  async run({ requests, count, dumped }: EncodedExercise): Promise<void> {
    this.note(await this.client.exchange(requests, count));
    const payloads = await this.call(dumped.map((key) => ['DUMP', key]));
    await this.call(
      dumped.flatMap((key, i) => [
        ['RESTORE', key, 0, bulkOf(payloads[i]!), 'REPLACE'],
        ['DEBUG', 'DIGEST-VALUE', key],
      ]),
    );
    await this.call([['FLUSHALL', 'SYNC']]);
  }

  private async call(commands: readonly (readonly Arg[])[]): Promise<Buffer[]> {
    const replies = await this.client.pipeline(commands);
    this.note(replies);
    return replies as Buffer[];
  }

  private note(replies: readonly Reply[]): void {
    this.commandCount += replies.length;
    for (const reply of replies as Buffer[])
      if (reply[0] === ERROR_MARK) this.failures.push(reply.toString('latin1').trimEnd());
  }
}

/** @param reply `$<length>\r\n<bytes>\r\n` */
const bulkOf = (reply: Buffer): Buffer => reply.subarray(reply.indexOf('\n') + 1, -2);
