/**
 * Mends a slot that is open: who owns it is settled first, then its keys are brought together and it is closed. Which way is taken depends on who has it
 * open and who holds keys; `chooseRepair` is that decision and nothing else. Source: spec/cli.md section 2.13, "Open slot".
 */
import type { ManagerContext } from './context.js';
import { Failure, silentFailure } from './failure.js';
import { type Cluster, primariesOf, tell } from './load-cluster.js';
import type { ManagedNode } from './managed-node.js';
import type { SlotMover } from './slot-mover.js';
import { deleteSlot, setImporting, setOwner, setSlotOwner, setStable, withMostKeys } from './slot-repairs.js';

export interface OpenSlotFacts<Node> {
  owner: Node;
  /** Primaries that have it open as migrating. */
  migrating: readonly Node[];
  /** Primaries that have it open as importing, or hold keys of it without owning it. */
  importing: readonly Node[];
  /** Where the migrating node sends it; null: not to one of the importing nodes. */
  destination: Node | null;
  hasKeys(node: Node): boolean;
}

export type Repair<Node> =
  | { kind: 'finish-move'; source: Node; target: Node }
  | { kind: 'gather-at-owner'; holders: readonly Node[] }
  | { kind: 'finish-move-and-close'; source: Node; target: Node; others: readonly Node[] }
  | { kind: 'close-everywhere'; nodes: readonly Node[] }
  | { kind: 'close'; node: Node }
  | { kind: 'none' };

export function chooseRepair<Node>(facts: OpenSlotFacts<Node>): Repair<Node> {
  const { owner, migrating, importing, destination, hasKeys } = facts;
  const [source] = migrating;
  if (source === undefined)
    return importing.length > 0
      ? { kind: 'gather-at-owner', holders: importing.filter((node) => node !== owner) }
      : { kind: 'none' };
  if (migrating.length > 1) return { kind: 'none' };
  if (importing.length === 1) return { kind: 'finish-move', source, target: importing[0]! };
  if (importing.length === 0)
    return source === owner || !hasKeys(source) ? { kind: 'close', node: source } : { kind: 'none' };
  if (importing.some(hasKeys)) return { kind: 'none' };
  if (destination === null) return { kind: 'close-everywhere', nodes: [source, ...importing] };
  const others = importing.filter((node) => node !== destination);
  return { kind: 'finish-move-and-close', source, target: destination, others };
}

/** @returns whether the slot is mended */
export async function fixOpenSlot(
  context: ManagerContext,
  cluster: Cluster,
  mover: SlotMover,
  slot: number,
): Promise<boolean> {
  try {
    context.output.info(`>>> Fixing open slot ${slot}`);
    return await new OpenSlotFixer(context, cluster, mover, slot).fix();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tell(error, context.output);
    return false;
  }
}

class OpenSlotFixer {
  readonly #context: ManagerContext;
  readonly #mover: SlotMover;
  readonly #slot: number;
  readonly #primaries: readonly ManagedNode[];
  #migrating: ManagedNode[] = [];
  #importing: ManagedNode[] = [];

  constructor(context: ManagerContext, cluster: Cluster, mover: SlotMover, slot: number) {
    this.#context = context;
    this.#mover = mover;
    this.#slot = slot;
    this.#primaries = primariesOf(cluster);
  }

  async fix(): Promise<boolean> {
    const { output, dialect } = this.#context;
    const owners = await this.#findOwners();
    const clearOwner = owners.length === 1 ? owners[0]! : null;
    await this.#findOpenSides(clearOwner);
    output.write(dialect.openSides(addressList(this.#migrating), addressList(this.#importing)));
    const owner = clearOwner ?? (await this.#electOwner());
    for (const other of owners) if (other !== owner) await this.#demote(other, owner);
    const repair = chooseRepair(await this.#facts(owner));
    if (repair.kind === 'none')
      throw new Failure(
        'error',
        `[ERR] Sorry, ${dialect.toolName} can't fix this slot yet (work in progress). Slot is set as migrating in ` +
          `${addressList(this.#migrating)}, as importing in ${addressList(this.#importing)}, owner is ${owner.address}`,
      );
    await this.#apply(repair, owner);
    return !this.#mover.isInterrupted;
  }

  /** Those that say they own it, or hold keys of it. */
  async #findOwners(): Promise<ManagedNode[]> {
    const owners: ManagedNode[] = [];
    for (const node of this.#primaries) {
      if (node.slots.has(this.#slot)) {
        owners.push(node);
      } else if ((await node.keysInSlot(this.#slot)) > 0) {
        this.#context.output.warn(`*** Found keys about slot ${this.#slot} in non-owner node ${node.address}!`);
        owners.push(node);
      }
    }
    return owners;
  }

  async #findOpenSides(owner: ManagedNode | null): Promise<void> {
    for (const node of this.#primaries) {
      if (node.migrating.has(this.#slot)) {
        this.#migrating.push(node);
      } else if (node.importing.has(this.#slot)) {
        this.#importing.push(node);
      } else if (node !== owner && (await node.keysInSlot(this.#slot)) > 0) {
        this.#context.output.warn(`*** Found keys about slot ${this.#slot} in node ${node.address}!`);
        this.#importing.push(node);
      }
    }
  }

  async #electOwner(): Promise<ManagedNode> {
    const { output, dialect } = this.#context;
    output.info(dialect.electingOwner);
    const owner = await withMostKeys(this.#primaries, this.#slot);
    if (owner === undefined) throw new Failure('error', "[ERR] Can't select a slot owner. Impossible to fix.");
    output.warn(`*** Configuring ${owner.address} as the slot owner`);
    await setStable(owner, this.#slot);
    await setOwner(owner, this.#slot);
    this.#migrating = this.#migrating.filter((node) => node !== owner);
    this.#importing = this.#importing.filter((node) => node !== owner);
    return owner;
  }

  /** It thought it owned the slot, and may hold keys of it: now it imports it from the owner, so that they can be fetched. */
  async #demote(node: ManagedNode, owner: ManagedNode): Promise<void> {
    await deleteSlot(node, this.#slot);
    await setSlotOwner(node, this.#slot, owner);
    await setImporting(node, this.#slot, owner);
    this.#migrating = this.#migrating.filter((each) => each !== node);
    this.#importing = [...this.#importing.filter((each) => each !== node), node];
  }

  async #facts(owner: ManagedNode): Promise<OpenSlotFacts<ManagedNode>> {
    const [migrating, importing] = [this.#migrating, this.#importing];
    const holders = new Set<ManagedNode>();
    for (const node of [...migrating, ...importing]) if ((await node.keysInSlot(this.#slot)) > 0) holders.add(node);
    const destinationId = migrating[0]?.migrating.get(this.#slot);
    const destination = importing.find((node) => node.id === destinationId) ?? null;
    return { owner, migrating, importing, destination, hasKeys: (node) => holders.has(node) };
  }

  async #apply(repair: Exclude<Repair<ManagedNode>, { kind: 'none' }>, owner: ManagedNode): Promise<void> {
    const slot = this.#slot;
    switch (repair.kind) {
      case 'finish-move':
        this.#title(1, `Moving slot ${slot} from ${repair.source.address} to ${repair.target.address}`);
        return this.#move(repair.source, repair.target);
      case 'gather-at-owner':
        this.#title(2, `Moving all the ${slot} slot keys to its owner ${owner.address}`);
        return this.#gather(repair.holders, owner);
      case 'finish-move-and-close':
        this.#title(
          3,
          `Moving slot ${slot} from ${repair.source.address} to ${repair.target.address} and closing it on all the other importing nodes.`,
        );
        await this.#move(repair.source, repair.target);
        return this.#close(repair.others);
      case 'close-everywhere':
        this.#title(3, `Closing slot ${slot} on both migrating and importing nodes.`);
        return this.#close(repair.nodes);
      case 'close':
        this.#title(4, `Closing slot ${slot} on ${repair.node.address}`);
        return this.#close([repair.node]);
    }
  }

  #title(number: number, text: string): void {
    const { output, dialect } = this.#context;
    const title = dialect.repairTitle(number, text);
    if (title !== null) output.info(title);
  }

  async #move(source: ManagedNode, target: ManagedNode): Promise<void> {
    const move = { slot: this.#slot, source, target };
    if ((await this.#mover.withBar([move], () => this.#mover.move([move]))) !== null) throw silentFailure();
  }

  async #gather(holders: readonly ManagedNode[], owner: ManagedNode): Promise<void> {
    for (const node of holders) {
      if (!(await this.#mover.gather(this.#slot, node, owner))) throw silentFailure();
      this.#context.output.info(`>>> Setting ${this.#slot} as STABLE in ${node.address}`);
      await setStable(node, this.#slot);
    }
    for (const node of this.#primaries) if (node !== owner) await setSlotOwner(node, this.#slot, owner);
  }

  async #close(nodes: readonly ManagedNode[]): Promise<void> {
    for (const node of nodes) await setStable(node, this.#slot);
  }
}

function addressList(nodes: readonly ManagedNode[]): string {
  return nodes.map((node) => node.address).join(',');
}
