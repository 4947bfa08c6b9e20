/**
 * Composition of a node: builds the server and attaches its parts in the order in which they depend on each other, brings it up and takes it down.
 *
 * Order of a start (spec server.md section 28.1): parts attached → listeners open → `Server initialized` → data loaded → `Ready to accept connections tcp`.
 */
import { isReplica, myself } from '../cluster/core/nodes.js';
import type { CommandTable } from '../commands/command-table.js';
import type { Database } from '../keyspace/database.js';
import type { Ref } from '../memory/arena.js';
import { ClientsCron } from './clients-cron.js';
import { type AttachedCluster, attachCluster } from './cluster-host.js';
import type { Config } from './config/config.js';
import { FieldExpiries } from './field-expiries.js';
import type { Logger } from './log.js';
import { NOTIFY_EVICTED, NOTIFY_EXPIRED } from './notify-classes.js';
import { Server } from './server.js';

const TIMED_EACH_BELOW_US = 1000;

const PACKING_DIRECTIVES = [
  'hash-max-listpack-entries',
  'hash-max-listpack-value',
  'set-max-intset-entries',
  'set-max-listpack-entries',
  'set-max-listpack-value',
  'zset-max-listpack-entries',
  'zset-max-listpack-value',
  'list-max-listpack-size',
  'stream-node-max-entries',
  'stream-node-max-bytes',
] as const;

export class Node {
  readonly server: Server;
  private readonly config: Config;
  private readonly log: Logger;
  private cluster: AttachedCluster | null = null;

  constructor(config: Config, log: Logger, commands: CommandTable) {
    this.config = config;
    this.log = log;
    this.server = new Server(commands, config, log);
    this.applyPackingLimits();
    this.applyTimingOptions();
    this.server.keyspaceEvents.configure(config.values.notifyKeyspaceEvents);
    const timing = [
      'slowlog-log-slower-than',
      'slowlog-max-len',
      'latency-monitor-threshold',
      'latency-tracking',
    ] as const;
    config.onChange('notify-keyspace-events', () => {
      this.server.keyspaceEvents.configure(config.values.notifyKeyspaceEvents);
      return null;
    });
    config.onChange(timing, () => {
      this.applyTimingOptions();
      return null;
    });
    config.onChange(PACKING_DIRECTIVES, () => {
      this.applyPackingLimits();
      return null;
    });
    config.onChange('hz', () => {
      this.server.cron.restart();
      return null;
    });
    this.propagateDeletions();
    this.server.replication.applyConfiguredRole(config.values.replicaof);
    const clients = new ClientsCron(this.server, config);
    this.server.cron.every(0, () => clients.tick());
  }

  /** Called with the exit code once the node has shut down in good order. */
  onExit(exit: (exitCode: number) => void): void {
    this.server.shutdown.exit = (exitCode) => {
      this.stop();
      exit(exitCode);
    };
  }

  /** Called with the role at the start and whenever it changes. */
  onRoleChange(listener: (isReplica: boolean) => void): void {
    this.server.onRoleChanged = () => listener(this.server.isReplica);
    this.server.onRoleChanged();
  }

  /** Opens the listeners, loads the data and begins to serve. @throws Error with the line for the log */
  async start(): Promise<void> {
    const { server, config, log } = this;
    if (config.values.clusterEnabled) this.cluster = await attachCluster(server, config, log, server.replication);
    // From the first connection on clients are told LOADING, until everything is there.
    server.persistence.beginLoading();
    await server.listeners.open();
    await this.cluster?.open();
    this.log.notice('Server initialized');
    await server.persistence.load();
    this.restoreReplication();
    this.cluster?.start();
    server.cron.start();
    if (this.config.values.port !== 0) this.log.notice('Ready to accept connections tcp');
    if (this.config.values.unixsocket !== '') this.log.notice('Ready to accept connections unix');
  }

  /** Stops serving: listeners and connections are closed, timers stopped. */
  stop(): void {
    this.server.listeners.close();
    this.cluster?.stop();
    this.server.replication.stop();
    this.server.cron.stop();
    for (const connection of this.server.connections.values()) connection.close();
  }

  /** A data set from an RDB file may go on where its history stood; with an append-only file nobody knows. */
  private restoreReplication(): void {
    const { persistence, replication } = this.server;
    if (persistence.loadedReplication === null) return;
    const follows = replication.isReplica || (this.cluster !== null && isReplica(myself(this.cluster.cluster.state)));
    replication.restore(persistence.loadedReplication, follows);
    for (const { db, key } of persistence.expiredAtLoad) this.server.propagation.command(db, ['DEL', key]);
    persistence.expiredAtLoad = [];
  }

  private applyPackingLimits(): void {
    const { packing } = this.server.keyspace;
    const { values } = this.config;
    packing.hashListpackEntries = values.hashMaxListpackEntries;
    packing.hashListpackValueBytes = values.hashMaxListpackValue;
    packing.setIntsetEntries = values.setMaxIntsetEntries;
    packing.setListpackEntries = values.setMaxListpackEntries;
    packing.setListpackValueBytes = values.setMaxListpackValue;
    packing.zsetListpackEntries = values.zsetMaxListpackEntries;
    packing.zsetListpackValueBytes = values.zsetMaxListpackValue;
    packing.listListpackSize = values.listMaxListpackSize;
    packing.streamNodeEntries = values.streamNodeMaxEntries;
    packing.streamNodeBytes = values.streamNodeMaxBytes;
  }

  private applyTimingOptions(): void {
    const { slowlogLogSlowerThan, slowlogMaxLen, latencyMonitorThreshold } = this.config.values;
    this.server.slowlog.trim(slowlogMaxLen);
    this.server.latency.thresholdMs = latencyMonitorThreshold;
    this.server.tracksLatency = this.config.values.latencyTracking;
    // A single fast command takes a few microseconds; only a limit of that order makes it worth timing each.
    const isLimitLow = slowlogLogSlowerThan >= 0 && slowlogLogSlowerThan < TIMED_EACH_BELOW_US;
    this.server.timesEachCommand = isLimitLow || latencyMonitorThreshold > 0;
  }

  /** Keys that go on their own account go by DEL, fields by HDEL, so that file and replicas need no clock and no policy of their own. */
  private propagateDeletions(): void {
    const { keyspace, keyspaceEvents, tracking } = this.server;
    const { values } = this.config;
    keyspace.expiryListener = {
      expired: (db, ref) => {
        this.propagateDeletion(db, ref, values.lazyfreeLazyExpire);
        keyspaceEvents.entry(NOTIFY_EXPIRED, 'expired', db, ref);
        tracking.goesByItself();
      },
    };
    keyspace.fieldExpiryListener = new FieldExpiries(this.server);
    keyspace.evictionListener = {
      evicted: (db, ref) => {
        this.propagateDeletion(db, ref, values.lazyfreeLazyEviction);
        keyspaceEvents.entry(NOTIFY_EVICTED, 'evicted', db, ref);
        tracking.goesByItself();
      },
    };
  }

  private propagateDeletion(db: Database, ref: Ref, isLazy: boolean): void {
    const { keyspace, propagation } = this.server;
    const { entries } = keyspace;
    const name = isLazy ? 'UNLINK' : 'DEL';
    propagation.deletion(db.index, name, entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
  }
}
