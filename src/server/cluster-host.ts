/**
 * Makes a server a node of a cluster: implements what the cluster needs of it (`cluster/host.ts`), and gives the server what it needs of the cluster.
 *
 * Order of a start (spec/cluster.md 10.6): `attachCluster` takes the lock and loads nodes.conf → `open` listens → the data set is loaded → `start`
 * claims the slots of its keys and joins the others.
 */
import type { BusAddress } from '../cluster/bus.js';
import { Cluster, NodesConfError } from '../cluster/cluster.js';
import { isReplica, myself } from '../cluster/core/nodes.js';
import { listeningBusPort } from '../cluster/core/outgoing.js';
import type { ClusterOptions, PrimaryLink } from '../cluster/core/types.js';
import type { ClusterHost } from '../cluster/host.js';
import { lockNodesConf } from '../cluster/nodes-lock.js';
import { SlotGate } from './cluster-gate.js';
import { deleteSlot } from './cluster-keys.js';
import type { Config } from './config/config.js';
import { GATE_CLUSTER } from './dispatcher.js';
import type { Log } from './interfaces.js';
import type { Server } from './server.js';

/** What the cluster does with replication. */
export interface ClusterReplication {
  /** Bytes: the own offset of a primary, the processed offset of a replica. */
  offset(): number;
  primaryLink(): PrimaryLink;
  /** Stops replicating; keeps the history, so that others can resync partially. */
  becomePrimary(): void;
  /** Follows the primary at this address. */
  replicateOf(host: string, port: number): void;
}

/** The start cannot go on; the line is for the log. */
class ClusterStartError extends Error {
  readonly code = 'CLUSTER_START';
}

const CLIENT_PORT_MAX = 55535;

/**
 * @returns the cluster in which this server is a node, not yet listening
 * @throws ClusterStartError
 */
export async function attachCluster(
  server: Server,
  config: Config,
  log: Log,
  replication: ClusterReplication,
): Promise<AttachedCluster> {
  const { values } = config;
  const file = config.resolvePath(values.clusterConfigFile);
  const lock = await lockNodesConf(file);
  if (lock.kind === 'in-use') {
    throw new ClusterStartError(
      `Sorry, the cluster configuration file ${values.clusterConfigFile} is already used by a different Redis Cluster node. Please make sure that different nodes use different cluster configuration files.`,
    );
  }
  if (lock.kind === 'unavailable') {
    log.warning(`The cluster configuration file ${file} is not protected against use by a second node: ${lock.reason}`);
  }
  const release = lock.kind === 'locked' ? lock.release : (): void => {};
  try {
    const host = new ServerHost(server, config, log, replication);
    const cluster = Cluster.load(file, clusterOptions(config), host);
    return new AttachedCluster(server, config, log, cluster, release);
  } catch (error) {
    release();
    if (!(error instanceof NodesConfError)) throw error;
    for (const line of error.lines.slice(0, -1)) log.warning(line);
    throw new ClusterStartError(error.lines.at(-1), { cause: error });
  }
}

export class AttachedCluster {
  readonly cluster: Cluster;
  private readonly server: Server;
  private readonly config: Config;
  private readonly log: Log;
  private readonly releaseLock: () => void;

  constructor(server: Server, config: Config, log: Log, cluster: Cluster, releaseLock: () => void) {
    this.server = server;
    this.config = config;
    this.log = log;
    this.cluster = cluster;
    this.releaseLock = releaseLock;
    server.cluster = new SlotGate(cluster, server.keyspace, config);
    server.setGate(GATE_CLUSTER, true);
    server.clusterLinkCount = () => (cluster.state.nodes.size - 1) * 2;
    this.applyBusOptions();
    config.onChange(OPTION_NAMES, () => {
      cluster.configure(clusterOptions(config));
      this.applyBusOptions();
      return null;
    });
  }

  /** Opens the bus port; connections wait until `start`. @throws ClusterStartError */
  async open(): Promise<void> {
    const options = clusterOptions(this.config);
    const clientPort = options.tlsCluster ? options.tlsPort : options.port;
    if (clientPort > CLIENT_PORT_MAX && options.clusterPort === 0) {
      throw new ClusterStartError(
        'Redis port number too high. Cluster communication port is 10,000 port numbers higher than your Redis port. Your Redis port number must be 55535 or less.',
      );
    }
    const addresses = this.config.values.bind.map(busAddress);
    if (addresses.length === 0) {
      throw new ClusterStartError('No bind address is configured, but it is required for the Cluster bus.');
    }
    const port = listeningBusPort(options);
    try {
      await this.cluster.bus.listen(addresses, port);
    } catch (error) {
      this.log.warning(`Could not listen on the cluster bus port ${port}: ${(error as Error).message}`);
      throw new ClusterStartError(`Failed listening on port ${port} (cluster), aborting.`, { cause: error });
    }
  }

  /** The data set is loaded. @throws ClusterStartError if it has keys where a cluster has none */
  start(): void {
    const { databases } = this.server.keyspace;
    const { state } = this.cluster;
    if (!isReplica(myself(state)) && databases.some((db) => db.index !== 0 && db.keyCount > 0)) {
      throw new ClusterStartError("You can't have keys in a DB different than DB 0 when in Cluster mode. Exiting.");
    }
    this.cluster.start();
  }

  /** Leaves the bus and gives nodes.conf free. */
  stop(): void {
    this.cluster.stop();
    this.releaseLock();
  }

  private applyBusOptions(): void {
    const { bus } = this.cluster;
    const { values } = this.config;
    bus.sourceAddress = values.bindSourceAddr;
    bus.keepAliveMs = Math.min(values.clusterNodeTimeout * 2, 0x7fffffff);
    this.cluster.publishBytesMax = values.protoMaxBulkLen;
  }
}

function busAddress(name: string): BusAddress {
  const isOptional = name.startsWith('-');
  const address = isOptional ? name.slice(1) : name;
  return { host: address === '*' ? '0.0.0.0' : address === '::*' ? '::' : address, isOptional };
}

/** Directives that the core follows at run time. */
const OPTION_NAMES = [
  'cluster-node-timeout',
  'cluster-ping-interval',
  'cluster-replica-validity-factor',
  'cluster-migration-barrier',
  'cluster-allow-replica-migration',
  'cluster-require-full-coverage',
  'cluster-replica-no-failover',
  'cluster-link-sendbuf-limit',
  'cluster-announce-ip',
  'cluster-announce-port',
  'cluster-announce-tls-port',
  'cluster-announce-bus-port',
  'cluster-announce-hostname',
  'cluster-announce-human-nodename',
  'repl-ping-replica-period',
  'port',
  'tls-port',
  'tls-cluster',
  'tls-replication',
  'bind-source-addr',
  'proto-max-bulk-len',
] as const;

function clusterOptions({ values }: Config): ClusterOptions {
  return {
    nodeTimeoutMs: values.clusterNodeTimeout,
    pingIntervalMs: values.clusterPingInterval,
    replicaValidityFactor: values.clusterReplicaValidityFactor,
    migrationBarrier: values.clusterMigrationBarrier,
    allowReplicaMigration: values.clusterAllowReplicaMigration,
    requireFullCoverage: values.clusterRequireFullCoverage,
    replicaNoFailover: values.clusterReplicaNoFailover,
    replPingReplicaPeriodS: values.replPingReplicaPeriod,
    linkSendbufLimit: values.clusterLinkSendbufLimit,
    port: values.port,
    tlsPort: values.tlsPort,
    clusterPort: values.clusterPort,
    tlsCluster: values.tlsCluster,
    tlsReplication: values.tlsReplication,
    announceIp: values.clusterAnnounceIp,
    announcePort: values.clusterAnnouncePort,
    announceTlsPort: values.clusterAnnounceTlsPort,
    announceBusPort: values.clusterAnnounceBusPort,
    announceHostname: values.clusterAnnounceHostname,
    announceHumanNodename: values.clusterAnnounceHumanNodename,
  };
}

class ServerHost implements ClusterHost {
  readonly keyspace: ClusterHost['keyspace'];
  readonly replication: ClusterHost['replication'];
  private readonly server: Server;
  private readonly config: Config;
  private readonly logger: Log;
  private readonly control: ClusterReplication;

  constructor(server: Server, config: Config, log: Log, replication: ClusterReplication) {
    this.server = server;
    this.config = config;
    this.logger = log;
    this.control = replication;
    this.replication = replication;
    this.keyspace = {
      keysInSlot: (slot) => server.keyspace.databases[0].slotKeyCount(slot),
      keyCount: () => server.keyspace.databases[0].keyCount,
    };
  }

  log(level: 'debug' | 'verbose' | 'notice' | 'warning', text: string): void {
    this.logger[level](text);
  }

  exit(code: number): never {
    process.exit(code);
  }

  deleteKeys(slots: readonly number[]): void {
    const { keyspace, propagation } = this.server;
    const name = this.config.values.lazyfreeLazyServerDel ? 'UNLINK' : 'DEL';
    for (const slot of slots) deleteSlot(keyspace, propagation, slot, name);
    this.server.scheduleTurnEnd();
  }

  discardDataset(): void {
    if (this.server.flushAll() === 0) return;
    // Without this the append-only file would bring the keys back at the next start.
    this.server.propagation.command(0, ['FLUSHALL']);
    this.server.scheduleTurnEnd();
  }

  becomePrimary(): void {
    this.control.becomePrimary();
  }

  replicate(ip: string, port: number): void {
    this.control.replicateOf(ip, port);
  }

  pauseWrites(forMs: number): void {
    this.server.pause.begin('failover', 'write', Date.now() + forMs);
  }

  resumeWrites(): void {
    this.server.pause.end('failover');
  }

  publish(channel: Uint8Array, payload: Uint8Array, sharded: boolean): void {
    this.server.clusterAudience.deliver(channel, payload, sharded);
  }

  dropShardSubscriptions(slots: readonly number[]): void {
    this.server.clusterAudience.dropShardSubscriptions(slots);
  }

  slotsChanged(): void {
    this.server.clusterAudience.recheckBlocked();
  }
}
