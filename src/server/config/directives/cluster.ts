/** Cluster mode. Source: spec/cluster.md section 13. */
import { bool, enumeration, integer, memory, path, string, UINT64 } from '../kinds.js';
import { INT32_MAX, INT64_MAX } from '../numbers.js';

const PORT = [0n, 65535n] as const;

const HOSTNAME_LENGTH_MAX = 255;

function hostnameProblem(name: string): string | null {
  if (name.length > HOSTNAME_LENGTH_MAX) return `Hostnames must be less than ${HOSTNAME_LENGTH_MAX + 1} characters`;
  return /^[A-Za-z0-9.-]*$/.test(name) ? null : 'Hostnames may only contain alphanumeric characters, hyphens or dots';
}

/** Redis takes `,`, `=` and blanks, which then make nodes.conf unreadable; they are refused here. */
function nodeNameProblem(name: string): string | null {
  return /[!#$%&()*+:;<>?@[\]^{|}~,=\s"'\\]|[^\x21-\x7e]/.test(name)
    ? 'Announced human node name contained invalid character'
    : null;
}

export const clusterDirectives = {
  'cluster-enabled': bool(false, 'Be a node of a cluster', { immutable: true }),
  'cluster-config-file': path('nodes.conf', 'File in which the node keeps what it knows of the cluster', {
    immutable: true,
    emptyIsValue: true,
  }),
  'cluster-port': integer(0, PORT, 'Port of the cluster bus; 0: `port` + 10000', { immutable: true }),
  'cluster-node-timeout': integer(
    15000,
    [0n, INT64_MAX],
    'Milliseconds after which a node that is not heard of counts as failing',
  ),
  'cluster-ping-interval': integer(
    0,
    [0n, INT64_MAX],
    'Milliseconds after which a node is pinged again; 0: half of the node timeout',
    {
      hidden: true,
    },
  ),
  'cluster-replica-validity-factor': integer(
    10,
    [0n, INT32_MAX],
    'Node timeouts after which data is too old for a failover; 0: never',
    {
      aliases: ['cluster-slave-validity-factor'],
    },
  ),
  'cluster-replica-no-failover': bool(false, 'Never take over automatically', {
    aliases: ['cluster-slave-no-failover'],
  }),
  'cluster-migration-barrier': integer(
    1,
    [0n, INT32_MAX],
    'Replicas that a primary keeps when others are left without',
  ),
  'cluster-allow-replica-migration': bool(true, 'Replicas move to primaries that have none'),
  'cluster-require-full-coverage': bool(true, 'Serve nothing while any slot is not served'),
  'cluster-allow-reads-when-down': bool(false, 'Serve reads while the cluster is down'),
  'cluster-allow-pubsubshard-when-down': bool(true, 'Serve sharded pub/sub while the cluster is down'),
  'cluster-link-sendbuf-limit': memory(0, UINT64, 'Pending bytes beyond which a bus link is given up; 0: no limit'),
  'cluster-announce-ip': string('', 'Address that other nodes and clients are told'),
  'cluster-announce-port': integer(0, PORT, 'Port that they are told; 0: `port`'),
  'cluster-announce-tls-port': integer(0, PORT, 'TLS port that they are told; 0: `tls-port`'),
  'cluster-announce-bus-port': integer(0, PORT, 'Bus port that they are told; 0: the real one'),
  'cluster-announce-hostname': string('', 'Host name that they are told', { check: hostnameProblem }),
  'cluster-announce-human-nodename': string('', 'Name of the node in logs', { check: nodeNameProblem }),
  'cluster-preferred-endpoint-type': enumeration(
    ['ip', 'hostname', 'unknown-endpoint'],
    'ip',
    'What clients are sent to',
  ),
};
