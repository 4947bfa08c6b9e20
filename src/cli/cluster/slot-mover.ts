/**
 * Moves many slots, several at a time if wanted, and ends cleanly when it is interrupted.
 *
 *   lane        takes the next move of the list when its last one is done; has connections of its own to source and target, so that the commands of one
 *               slot do not wait behind those of another
 *   Ctrl-C      no further slot is begun, those under way are finished; a second Ctrl-C stops at once. So it is when the process is told to end, or its
 *               terminal or the reader of its output goes away
 *   failure     no further slot is begun; the first failure in the order of the list is what the caller gets
 *
 * What is told of the moves stands in the order of the list, as if they had been done one after the other. Slots that remain open are named on stderr
 * with the command that mends them.
 */
import { BatchSize } from './batch-size.js';
import type { ManagerContext } from './context.js';
import { silentFailure } from './failure.js';
import { type Cluster, primariesOf } from './load-cluster.js';
import type { ManagedNode } from './managed-node.js';
import type { KeyMove } from './migrate-keys.js';
import { type MoveFailure, type MoveReport, moveSlot } from './move-slot.js';
import { OrderedOutput } from './ordered-output.js';
import type { Output } from './output.js';
import { ProgressBar } from './progress-bar.js';

export interface MoverOptions {
  /** How moves show where stdout is no terminal. */
  report: MoveReport;
  isFix?: boolean;
}

/** As reshard and fix print them: `Moving slot 5 from 127.0.0.1:7000 to 127.0.0.1:7001: ...` with a dot for each key. */
export const dottedReport: MoveReport = {
  began: ({ slot, source, target }, output) =>
    output.write(`Moving slot ${slot} from ${source.address} to ${target.address}: `),
  migrated: (keyCount, output) => output.write('.'.repeat(keyCount)),
  keysEnded: (output) => output.write('\n'),
  moved: () => {},
};

/** As rebalance prints them: one `#` for each slot. */
export const markedReport: MoveReport = {
  began: () => {},
  migrated: () => {},
  keysEnded: () => {},
  moved: (output) => output.write('#'),
};

/**
 * Unless the user says how many: one move at a time, so that after a failure no later slot has been touched, which is what scripts know from redis-cli;
 * several for somebody who watches.
 */
const DEFAULT_LANES = 1;
const DEFAULT_LANES_ON_TERMINAL = 4;
const MAX_LANES = 64;
/** Exit code of a program that Ctrl-C ended, or another request to end. */
export const EXIT_INTERRUPTED = 130;

export class SlotMover {
  readonly #context: ManagerContext;
  readonly #cluster: Cluster;
  readonly #options: MoverOptions;
  readonly #openSlots = new Set<KeyMove>();
  readonly #batchSizes = new Map<string, BatchSize>();
  #bar: ProgressBar | null = null;
  #laneCount = 1;
  #interrupts = 0;
  #onSecondInterrupt: () => void = () => {};

  constructor(context: ManagerContext, cluster: Cluster, options: MoverOptions) {
    this.#context = context;
    this.#cluster = cluster;
    this.#options = options;
  }

  get isInterrupted(): boolean {
    return this.#interrupts > 0;
  }

  get hasBar(): boolean {
    return this.#bar !== null;
  }

  /**
   * Runs `body`, in which moves are made, with Ctrl-C in hand. Afterwards slots that are still open are told about.
   * @returns what `body` returns, or EXIT_INTERRUPTED
   */
  async interruptible(body: () => Promise<number>): Promise<number> {
    const { terminal } = this.#context;
    const stopListening = terminal.onEndAsked(() => this.#onInterrupt());
    const secondInterrupt = new Promise<never>((_, reject) => {
      this.#onSecondInterrupt = () => reject(silentFailure());
    });
    secondInterrupt.catch(() => {});
    try {
      const exitCode = await Promise.race([body(), secondInterrupt]);
      return this.isInterrupted ? EXIT_INTERRUPTED : exitCode;
    } catch (error) {
      if (this.#interrupts > 1) return EXIT_INTERRUPTED;
      throw error;
    } finally {
      this.#endBar();
      stopListening();
      this.#tellOpenSlots();
    }
  }

  /** Shows a progress bar while `body` makes the moves planned, if stdout is a terminal; the moves are not told one by one then. */
  async withBar<T>(planned: readonly KeyMove[], body: () => Promise<T>): Promise<T> {
    const { terminal, output } = this.#context;
    if (!terminal.isOutputTty || planned.length === 0) return body();
    this.#bar = new ProgressBar(terminal, { slots: planned.length, keys: await countKeys(planned) });
    output.attach(this.#bar);
    try {
      return await body();
    } finally {
      this.#endBar();
    }
  }

  /** Moves the slots with all that belongs to it. Returns the first failure, or null; after Ctrl-C some moves may not have been made. */
  async move(moves: readonly KeyMove[]): Promise<MoveFailure | null> {
    const { options, terminal } = this.#context;
    const wanted = options.parallel || (terminal.isOutputTty ? DEFAULT_LANES_ON_TERMINAL : DEFAULT_LANES);
    const laneCount = Math.max(1, Math.min(wanted, moves.length, MAX_LANES));
    this.#laneCount = laneCount;
    const ordered = new OrderedOutput((data) => this.#context.output.write(data));
    const failures = new Map<number, MoveFailure>();
    let next = 0;
    const runLane = async (lane: Lane): Promise<void> => {
      while (next < moves.length && failures.size === 0 && !this.isInterrupted) {
        const at = next++;
        const part = ordered.open();
        try {
          const failure = await this.#moveOne(
            await lane.bind(moves[at]!),
            this.#context.output.redirected(part),
            false,
          );
          if (failure !== null) failures.set(at, failure);
        } finally {
          part.end();
        }
      }
    };
    const lanes = Array.from({ length: laneCount }, () => new Lane(laneCount > 1));
    try {
      await Promise.all(lanes.map(runLane));
    } finally {
      for (const lane of lanes) lane.close();
    }
    const first = Math.min(...failures.keys());
    return failures.get(first) ?? null;
  }

  /** Moves the keys of a slot to its owner, and leaves the slot's state alone. Returns whether all went well. */
  async gather(slot: number, holder: ManagedNode, owner: ManagedNode): Promise<boolean> {
    const move = { slot, source: holder, target: owner };
    const run = () => this.#moveOne(move, this.#context.output, true);
    return (await this.withBar([move], run)) === null;
  }

  #moveOne(move: KeyMove, output: Output, isCold: boolean): Promise<MoveFailure | null> {
    const { options, connection, dialect } = this.#context;
    const isInvolved = (node: ManagedNode): boolean => node.id === move.source.id || node.id === move.target.id;
    return moveSlot(move, {
      options,
      connection,
      output,
      dialect,
      isCold,
      isFix: this.#options.isFix ?? false,
      report: this.#bar === null ? this.#options.report : barReport(this.#bar),
      others: primariesOf(this.#cluster).filter((node) => !isInvolved(node)),
      openSlots: this.#openSlots,
      laneCount: isCold ? 1 : this.#laneCount,
      batchSize: options.hasPipeline ? null : this.#batchSizeFor(move.source),
    });
  }

  #batchSizeFor({ id }: ManagedNode): BatchSize {
    let size = this.#batchSizes.get(id);
    if (size === undefined) this.#batchSizes.set(id, (size = new BatchSize()));
    return size;
  }

  #endBar(): void {
    this.#context.output.attach(null);
    this.#bar?.end();
    this.#bar = null;
  }

  #onInterrupt(): void {
    this.#interrupts++;
    if (this.#interrupts > 1) return this.#onSecondInterrupt();
    const slots = [...this.#openSlots].map(({ slot }) => slot);
    const what = slots.length === 0 ? '' : `, after slot ${slots.join(', ')}`;
    this.#context.output.complain(`\nInterrupted: ending${what}. Ctrl-C again stops at once.`);
  }

  #tellOpenSlots(): void {
    const { output } = this.#context;
    for (const { slot, source, target } of this.#openSlots)
      output.complain(
        `Slot ${slot} is still open: on its way from ${source.address} to ${target.address}. To mend it:\n` +
          `  slotmesh-cli --cluster fix ${this.#cluster.nodes[0]!.address}`,
      );
  }
}

function barReport(bar: ProgressBar): MoveReport {
  return {
    began: () => {},
    migrated: (keys) => bar.add({ keys }),
    keysEnded: () => {},
    moved: () => bar.add({ slots: 1 }),
  };
}

/** The connections of one lane, made when a move first needs them. */
class Lane {
  readonly #twins = new Map<string, Promise<ManagedNode>>();

  /** @param isApart whether it has connections of its own; else it uses those of the nodes */
  constructor(private readonly isApart: boolean) {}

  /** The move over this lane's connections. */
  async bind(move: KeyMove): Promise<KeyMove> {
    if (!this.isApart) return move;
    const [source, target] = await Promise.all([this.#twinOf(move.source), this.#twinOf(move.target)]);
    return { slot: move.slot, source, target };
  }

  close(): void {
    for (const twin of this.#twins.values())
      twin.then(
        (node) => node.close(),
        () => {},
      );
  }

  #twinOf(node: ManagedNode): Promise<ManagedNode> {
    let twin = this.#twins.get(node.id);
    if (twin === undefined) this.#twins.set(node.id, (twin = node.connectAgain()));
    return twin;
  }
}

/** Counts asked for in one go. */
const SLOTS_PER_QUESTION = 2048;

async function countKeys(moves: readonly KeyMove[]): Promise<number> {
  let total = 0;
  for (const source of new Set(moves.map((move) => move.source))) {
    const slots = moves.filter((move) => move.source === source).map((move) => move.slot);
    for (let first = 0; first < slots.length; first += SLOTS_PER_QUESTION) {
      const some = slots.slice(first, first + SLOTS_PER_QUESTION);
      const counts = await source.pipeline(some.map((slot) => ['CLUSTER', 'COUNTKEYSINSLOT', slot]));
      total += counts.reduce<number>((sum, count) => sum + (Number(count) || 0), 0);
    }
  }
  return total;
}
