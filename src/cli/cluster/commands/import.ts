/**
 * `import host:port --cluster-from host:port`: moves, or copies, the keys of database 0 of a plain server into the cluster. The source does the work, key
 * by key, with MIGRATE. Source: spec/cli.md section 2.14.
 */
import { keySlot } from '../../../keyspace/key-slot.js';
import { type Reply, ReplyError } from '../../../resp/reply-reader.js';
import { checkCluster } from '../check-cluster.js';
import { type Address, addressWord, type ManagerContext, parseAddress } from '../context.js';
import { Failure, NodeRefusal, silentFailure } from '../failure.js';
import { type Cluster, infoField, loadCluster, primariesOf } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';
import { ProgressBar } from '../progress-bar.js';
import { EXIT_INTERRUPTED } from '../slot-mover.js';

/** As many keys as one SCAN is to return, about. */
const SCAN_COUNT = 1000;

export async function importKeys(context: ManagerContext): Promise<number> {
  const { words, options, output } = context;
  const entry = addressWord(words[0]!);
  if (options.from === null)
    throw new Failure('stderr', "[ERR] Option '--cluster-from' is required for subcommand 'import'.");
  const from = parseAddress(options.from);
  if (from === null)
    throw new Failure(
      'stderr',
      '[ERR] Invalid --cluster-from host. You need to pass a valid address (ie. 120.0.0.1:7000).',
    );
  output.info(context.dialect.importTitle(`${from.host}:${from.port}`, `${entry.host}:${entry.port}`));
  const cluster = await loadCluster(context, entry);
  if (!(await checkCluster(context, cluster)).isOk)
    throw new Failure('stderr', '*** Please fix your cluster problems before importing');
  const source = await connectSource(context, from);
  try {
    return await importFrom(context, source, cluster);
  } catch (error) {
    if (error instanceof NodeRefusal) throw sourceFailure(source, error.reply);
    throw error;
  }
}

/** The source is a server of its own: neither the cluster's password nor its TLS are the source's. */
async function connectSource(
  { connection, connections, options, terminal }: ManagerContext,
  from: Address,
): Promise<ManagedNode> {
  const password = options.fromAskPassword
    ? await terminal.readSecret('Please input import source node password: ')
    : options.fromPassword;
  const settings = { ...connection, tls: null, username: options.fromUser, password };
  try {
    return await connections.open(from.host, from.port, settings);
  } catch (error) {
    if (error instanceof NodeRefusal) throw new Failure('stderr', `AUTH failed: ${error.reply}`);
    if (error instanceof Failure) throw new Failure(error.level, `${error.message}.`);
    throw error;
  }
}

async function importFrom(context: ManagerContext, source: ManagedNode, cluster: Cluster): Promise<number> {
  const { output, terminal } = context;
  if (!['', '0'].includes(infoField(await source.text('INFO'), 'cluster_enabled')))
    throw new Failure('error', '[ERR] The source node should not be a cluster node.');
  const keyCount = Number(await source.call('DBSIZE'));
  output.warn(`*** Importing ${keyCount} keys from DB 0`);
  let isInterrupted = false;
  const stopListening = terminal.onEndAsked(() => {
    isInterrupted = true;
  });
  const bar = terminal.isOutputTty ? new ProgressBar(terminal, { slots: 0, keys: keyCount }) : null;
  output.attach(bar);
  try {
    const importer = new Importer(context, source, cluster, bar);
    let cursor = '0';
    do {
      const [next, keys] = (await source.call('SCAN', cursor, 'COUNT', SCAN_COUNT)) as [Buffer, Buffer[]];
      const step = Math.max(1, context.options.parallel);
      for (let start = 0; start < keys.length && !isInterrupted; start += step)
        await importer.move(keys.slice(start, start + step));
      cursor = String(next);
    } while (cursor !== '0' && !isInterrupted);
    return isInterrupted ? EXIT_INTERRUPTED : 0;
  } finally {
    bar?.end();
    output.attach(null);
    stopListening();
  }
}

class Importer {
  readonly #context: ManagerContext;
  readonly #source: ManagedNode;
  readonly #owners: ManagedNode[] = [];
  readonly #bar: ProgressBar | null;
  readonly #suffix: readonly (string | number)[];

  constructor(context: ManagerContext, source: ManagedNode, cluster: Cluster, bar: ProgressBar | null) {
    this.#context = context;
    this.#source = source;
    this.#bar = bar;
    for (const node of primariesOf(cluster)) for (const slot of node.slots) this.#owners[slot] = node;
    const { username, password } = context.connection;
    const { copy, replace } = context.options;
    this.#suffix = [
      ...(password === null ? [] : username === null ? ['AUTH', password] : ['AUTH2', username, password]),
      ...(copy ? ['COPY'] : []),
      ...(replace ? ['REPLACE'] : []),
    ];
  }

  /** Moves some keys at a time, and tells of each. Fails if one was refused; the others of the batch are moved nevertheless. */
  async move(keys: readonly Buffer[]): Promise<void> {
    const { options, dialect } = this.#context;
    const targets = keys.map((key) => this.#owners[keySlot(key)]!);
    const commands = keys.map((key, at) => {
      const { host, port } = targets[at]!;
      return ['MIGRATE', host, port, key, 0, options.timeoutMs, ...this.#suffix];
    });
    const replies = await this.#source.pipeline(commands);
    for (const [at, key] of keys.entries()) this.#tell(key, targets[at]!, replies[at]!);
    if (!dialect.skipsRefusedKeys && replies.some((reply) => reply instanceof ReplyError)) throw silentFailure();
  }

  #tell(key: Buffer, target: ManagedNode, reply: Reply): void {
    const { output } = this.#context;
    const isRefused = reply instanceof ReplyError;
    if (this.#bar !== null && !isRefused) return this.#bar.add({ keys: 1 });
    output.write(Buffer.concat([Buffer.from('Migrating '), key, Buffer.from(` to ${target.address}: `)]));
    if (isRefused) output.error(sourceFailure(this.#source, reply.message).message);
    else output.line('OK');
  }
}

function sourceFailure({ address }: ManagedNode, reply: string): Failure {
  return new Failure('error', `Source ${address} replied with error:\n${reply}`);
}
