/** A machine of the virtual world: what outlives its processes, which are disks, clocks and an address. */
import type { ClusterOptions, ClusterState, NodeId } from '../cluster/core/types.js';
import type { Dice } from './dice.js';
import { Disk } from './disk.js';
import type { Position } from './history.js';
import type { HostClock } from './host-clock.js';
import type { HostIndex } from './network.js';
import type { Process } from './process.js';

export interface HostAddress {
  ip: string;
  port: number;
  busPort: number;
}

export class Host {
  readonly index: HostIndex;
  readonly dice: Dice;
  readonly clock: HostClock;
  readonly disk = new Disk();
  readonly options: ClusterOptions;
  address: HostAddress;
  /** The data set, as the append-only file keeps it. */
  data: Position;
  process: Process | null = null;
  hasPower = true;
  /** State of the process, the last one if it is gone. */
  state: ClusterState | null = null;

  constructor(
    index: HostIndex,
    address: HostAddress,
    dice: Dice,
    clock: HostClock,
    options: ClusterOptions,
    data: Position,
  ) {
    this.index = index;
    this.address = address;
    this.dice = dice;
    this.clock = clock;
    this.options = options;
    this.data = data;
  }

  get isUp(): boolean {
    return this.process !== null;
  }

  get id(): NodeId {
    return this.state!.myId;
  }
}
