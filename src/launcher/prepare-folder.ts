/**
 * What is settled before any process starts: which settings the cluster has, which folder holds it, and that its ports are free. The settings of a folder
 * that holds a cluster already win over the defaults, and a request that contradicts them is refused rather than half obeyed.
 */
import { lookup } from 'node:dns/promises';
import type { NodeAddress } from '../client/cluster-client.js';
import { AllocationError, allocate } from '../cluster/allocation.js';
import { ClusterFolder, type ClusterSettings, dirOption } from './cluster-folder.js';
import { LauncherError, messageOf } from './errors.js';
import { viewNode } from './node-view.js';
import { BUS_PORT_OFFSET, CLUSTER_PORT_MAX, probePort } from './ports.js';

/** What is asked for; what is left out is taken from the folder if it holds a cluster, else from the defaults. */
export interface ClusterRequest {
  host?: string | undefined;
  /** The first port; the others follow. */
  port?: number | undefined;
  primaries?: number | undefined;
  replicasPerPrimary?: number | undefined;
  nodeTimeoutMs?: number | undefined;
  password?: string | undefined;
}

export const DEFAULTS = {
  host: '127.0.0.1',
  port: 7000,
  primaries: 3,
  replicasPerPrimary: 1,
  nodeTimeoutMs: 5000,
} as const;

/** The folder to start: the one that is there, if it agrees with the request, or a new one. */
export async function prepareFolder(path: string, request: ClusterRequest): Promise<ClusterFolder> {
  const found = ClusterFolder.open(path);
  if (found !== undefined) {
    assertSameSettings(found, request);
    await assertPortsFree(found.settings.host, found.settings.ports, found);
    if (found.isCreated) {
      found.assertComplete();
      return found;
    }
    // Left behind by a start that was interrupted before the cluster existed: nothing to keep.
    found.remove();
    return ClusterFolder.create(path, found.settings);
  }
  const settings = await settingsOf(request);
  await assertPortsFree(settings.host, settings.ports);
  return ClusterFolder.create(path, settings);
}

async function settingsOf(request: ClusterRequest): Promise<ClusterSettings> {
  const port = request.port ?? DEFAULTS.port;
  const replicasPerPrimary = request.replicasPerPrimary ?? DEFAULTS.replicasPerPrimary;
  const count = (request.primaries ?? DEFAULTS.primaries) * (1 + replicasPerPrimary);
  const host = await resolveHost(request.host ?? DEFAULTS.host);
  const password = request.password ?? '';
  const settings: ClusterSettings = {
    host,
    ports: Array.from({ length: count }, (_, index) => port + index),
    replicasPerPrimary,
    nodeTimeoutMs: request.nodeTimeoutMs ?? DEFAULTS.nodeTimeoutMs,
    password,
  };
  if (port < 1 || port + count - 1 > CLUSTER_PORT_MAX) {
    throw new LauncherError('USAGE', `The ports ${port}–${port + count - 1} are out of range.`, [
      `A node's cluster bus uses its port + ${BUS_PORT_OFFSET}, so ports go up to ${CLUSTER_PORT_MAX}.`,
    ]);
  }
  if (password === '' && !isLoopback(host)) {
    throw new LauncherError(
      'USAGE',
      `Nodes on ${host} can be reached from other machines and would refuse them without a password (protected mode).`,
      ['Add --password <text>.'],
    );
  }
  try {
    allocate(addressesOf(settings), replicasPerPrimary);
  } catch (error) {
    if (error instanceof AllocationError)
      throw new LauncherError('USAGE', error.message, ['Raise --primaries.'], { cause: error });
    throw error;
  }
  return settings;
}

/** CLUSTER MEET wants an IP address. */
async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host, { family: host === 'localhost' ? 4 : 0 })).address;
  } catch (error) {
    throw new LauncherError(
      'USAGE',
      `The host "${host}" cannot be resolved: ${messageOf(error)}.`,
      ['Give an address of this machine.'],
      { cause: error },
    );
  }
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

/** Throws OTHER_SETTINGS when the request names something that this cluster was not made with. */
function assertSameSettings(folder: ClusterFolder, request: ClusterRequest): void {
  const { host, ports, replicasPerPrimary, nodeTimeoutMs, password } = folder.settings;
  const primaries = ports.length / (1 + replicasPerPrimary);
  const present = {
    host,
    port: ports[0]!,
    primaries,
    replicas: replicasPerPrimary,
    'node-timeout': nodeTimeoutMs,
    password,
  };
  const wanted = { ...request, replicas: request.replicasPerPrimary, 'node-timeout': request.nodeTimeoutMs };
  for (const name of Object.keys(present) as (keyof typeof present)[]) {
    if (
      wanted[name] === undefined ||
      wanted[name] === present[name] ||
      (name === 'host' && wanted[name] === 'localhost')
    )
      continue;
    const made = name === 'password' ? 'another password' : `--${name} ${present[name]}`;
    throw new LauncherError('OTHER_SETTINGS', `The cluster in ${folder.path} was made with ${made}.`, [
      `Leave --${name} out to start it as it is; or name another folder with --dir; or remove its data first: slotmesh cluster clean${dirOption(folder.path)}`,
    ]);
  }
}

/** @param folder whose nodes these are; tells "already running" from "somebody else's" */
export async function assertPortsFree(host: string, ports: readonly number[], folder?: ClusterFolder): Promise<void> {
  for (const port of ports) {
    for (const probed of [port, port + BUS_PORT_OFFSET]) {
      const state = await probePort(probed, host);
      if (state === 'free') continue;
      if (state === 'not-here')
        throw new LauncherError('USAGE', `${host} is not an address of this machine.`, ['Choose another --host.']);
      if (state === 'forbidden')
        throw new LauncherError('PORT_IN_USE', `The system does not let you open port ${probed}.`, [
          'Choose ports above 1023 with --port.',
        ]);
      if (folder !== undefined && (await isOurNode(folder, port))) {
        throw new LauncherError(
          'ALREADY_RUNNING',
          `Node ${port} of the cluster in ${folder.path} is running already.`,
          [
            `See it with \`slotmesh cluster status${dirOption(folder.path)}\`, stop it with \`slotmesh cluster stop${dirOption(folder.path)}\`.`,
          ],
        );
      }
      throw portInUse(host, probed, port);
    }
  }
}

async function isOurNode(folder: ClusterFolder, port: number): Promise<boolean> {
  const { host, password } = folder.settings;
  const view = await viewNode({ host, port }, password);
  return view.isUp && view.confFile === folder.confFile(port);
}

function portInUse(host: string, probed: number, port: number): LauncherError {
  const use = probed === port ? '' : `, which node ${port} needs for its cluster bus,`;
  const advice = ['Stop the program that uses it, or choose other ports: --port 7100'];
  if (process.platform === 'darwin' && probed === 7000)
    advice.push('(On macOS it is often the AirPlay receiver: System Settings, General, AirDrop & Handoff.)');
  return new LauncherError('PORT_IN_USE', `Port ${probed}${use} is in use on ${host}.`, advice);
}

/** Opens the folder of an existing cluster. Throws NO_CLUSTER when there is none. */
export function openCluster(path: string): ClusterFolder {
  const folder = ClusterFolder.open(path);
  if (folder !== undefined) return folder;
  throw new LauncherError('NO_CLUSTER', `There is no cluster in ${path}.`, [
    'Start one with `slotmesh cluster start`, or name its folder with --dir.',
  ]);
}
export function addressesOf({ host, ports }: ClusterSettings): NodeAddress[] {
  return ports.map((port) => ({ host, port }));
}
