/**
 * What the command line hands to the cluster manager, and what the manager gives back. `main.ts` in this folder exports `runClusterManager` of this
 * type; the scanner (../arguments.ts) fills the options, the manager decides which of them a subcommand needs.
 */
import type { ConnectionSettings } from '../connection-settings.js';
import type { Terminal } from '../terminal.js';

/** The `--cluster-…` options. Any of them may be given with any subcommand. null stands for "not given". Numbers are as C's atoi reads them. */
export interface ClusterOptions {
  /** Replicas of each primary; 0 makes none. */
  replicas: number;
  /** reshard: node IDs, comma-separated, or `all`; import: `host:port`. */
  from: string | null;
  to: string | null;
  /** 0: ask. */
  slots: number;
  /** For MIGRATE. */
  timeoutMs: number;
  /** Keys per MIGRATE. */
  pipeline: number;
  /** Whether --cluster-pipeline was given: else the manager may adapt it. */
  hasPipeline: boolean;
  /** Slots moved at a time; 0: the manager's choice. */
  parallel: number;
  thresholdPercent: number;
  /** `idprefix=weight`, each. */
  weights: string[];
  useEmptyMasters: boolean;
  simulate: boolean;
  replace: boolean;
  copy: boolean;
  fromUser: string | null;
  fromPassword: string | null;
  fromAskPassword: boolean;
  /** add-node: --cluster-slave. */
  asReplica: boolean;
  masterId: string | null;
  searchMultipleOwners: boolean;
  fixWithUnreachableMasters: boolean;
  onlyMasters: boolean;
  onlyReplicas: boolean;
  /** --cluster-yes or REDISCLI_CLUSTER_YES=1. */
  yes: boolean;
  verbose: boolean;
}

export function defaultClusterOptions(): ClusterOptions {
  return {
    replicas: 0,
    from: null,
    to: null,
    slots: 0,
    timeoutMs: 60000,
    pipeline: 10,
    hasPipeline: false,
    parallel: 0,
    thresholdPercent: 2,
    weights: [],
    useEmptyMasters: false,
    simulate: false,
    replace: false,
    copy: false,
    fromUser: null,
    fromPassword: null,
    fromAskPassword: false,
    asReplica: false,
    masterId: null,
    searchMultipleOwners: false,
    fixWithUnreachableMasters: false,
    onlyMasters: false,
    onlyReplicas: false,
    yes: false,
    verbose: false,
  };
}

/**
 * Runs one subcommand to its end.
 * @param words      the subcommand's name and its positional arguments
 * @param connection credentials and TLS for every node; its host and port do not count (`atNode` gives the settings for a node)
 * @returns the exit code
 */
export type RunClusterManager = (
  words: readonly string[],
  options: ClusterOptions,
  connection: ConnectionSettings,
  terminal: Terminal,
) => Promise<number>;
