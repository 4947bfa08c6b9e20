/**
 * The folder that holds a local cluster:
 *
 *   cluster.json      the settings it was made with; its presence marks the folder as ours
 *   7000/             one folder per node
 *     redis.conf      written when the node is made; read at every start, so that edits and CONFIG REWRITE last
 *     nodes.conf, appendonlydir/, dump.rdb, redis.pid   the server's own
 *     server.log      everything the server process prints
 *
 * Invariant: nothing is ever written to or removed from a folder that has no valid cluster.json, except into an absent or empty one.
 * Both files with settings are readable by their owner only, since they hold the password.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { LauncherError, messageOf } from './errors.js';

export interface ClusterSettings {
  host: string;
  ports: number[];
  replicasPerPrimary: number;
  nodeTimeoutMs: number;
  /** Empty: no password. */
  password: string;
}

interface ClusterFile extends ClusterSettings {
  format: typeof FORMAT;
  /** False until the cluster was healthy for the first time; a folder left in that state holds no data worth keeping. */
  isCreated: boolean;
}

/** Where a cluster lives if nothing else is said, in the working directory. */
export const DEFAULT_FOLDER = 'slotmesh-cluster';

const FORMAT = 1;
const FILE_NAME = 'cluster.json';
const OWNER_ONLY = 0o600;

export class ClusterFolder {
  private constructor(
    readonly path: string,
    readonly settings: ClusterSettings,
    private created: boolean,
  ) {}

  /** Opens the folder if it holds a cluster; undefined when it is absent or empty. Throws FOREIGN_FOLDER or DAMAGED_FOLDER. */
  static open(path: string): ClusterFolder | undefined {
    const folder = resolve(path);
    const file = join(folder, FILE_NAME);
    if (existsSync(file)) {
      const { format: _, isCreated, ...settings } = readClusterFile(file);
      return new ClusterFolder(folder, settings, isCreated);
    }
    if (!existsSync(folder)) return undefined;
    if (entriesOf(folder).length === 0) return undefined;
    throw new LauncherError(
      'FOREIGN_FOLDER',
      `${folder} is not empty and was not made by this tool (no ${FILE_NAME} in it).`,
      ['Nothing in it was touched. Name another folder with --dir.'],
    );
  }

  /** Makes the folder with a subfolder and a redis.conf for each node. */
  static create(path: string, settings: ClusterSettings): ClusterFolder {
    const folder = new ClusterFolder(resolve(path), settings, false);
    try {
      mkdirSync(folder.path, { recursive: true });
      folder.save();
      for (const port of settings.ports) {
        mkdirSync(folder.nodeFolder(port), { recursive: true });
        writeFileSync(folder.confFile(port), nodeConfiguration(folder, port), { mode: OWNER_ONLY });
      }
    } catch (error) {
      throw new LauncherError(
        'FILE_SYSTEM',
        `The folder ${folder.path} cannot be written: ${messageOf(error)}`,
        ['Name another folder with --dir.'],
        {
          cause: error,
        },
      );
    }
    return folder;
  }

  get isCreated(): boolean {
    return this.created;
  }

  markCreated(): void {
    this.created = true;
    this.save();
  }

  nodeFolder(port: number): string {
    return join(this.path, String(port));
  }

  confFile(port: number): string {
    return join(this.nodeFolder(port), 'redis.conf');
  }

  logFile(port: number): string {
    return join(this.nodeFolder(port), 'server.log');
  }

  pidFile(port: number): string {
    return join(this.nodeFolder(port), 'redis.pid');
  }

  /** Throws DAMAGED_FOLDER when a node's files are gone: it would come up as an empty stranger that the others never accept. */
  assertComplete(): void {
    for (const port of this.settings.ports) {
      for (const file of [this.confFile(port), join(this.nodeFolder(port), 'nodes.conf')]) {
        if (existsSync(file)) continue;
        throw new LauncherError(
          'DAMAGED_FOLDER',
          `${file} is missing, so node ${port} cannot take its place in the cluster again.`,
          [
            `Put the file back, or remove the data of this cluster with \`slotmesh cluster clean${dirOption(this.path)}\` and start a new one.`,
          ],
        );
      }
    }
  }

  /** The last lines that the node's server wrote, without its start banner's blank lines. */
  logTail(port: number, lines = 12): string[] {
    try {
      return readFileSync(this.logFile(port), 'utf8')
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-lines);
    } catch {
      return [];
    }
  }

  /** The process that last ran this node, if its pid file is there. It need not exist any more. */
  lastPid(port: number): number | undefined {
    try {
      const pid = Number(readFileSync(this.pidFile(port), 'utf8').trim());
      return Number.isInteger(pid) && pid > 0 ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** Removes what belongs to the cluster. @returns what else was found in the folder and left there */
  remove(): string[] {
    for (const port of this.settings.ports) rmSync(this.nodeFolder(port), { recursive: true, force: true });
    rmSync(join(this.path, FILE_NAME), { force: true });
    const left = entriesOf(this.path);
    if (left.length === 0) rmdirSync(this.path);
    return left;
  }

  private save(): void {
    const content: ClusterFile = { format: FORMAT, ...this.settings, isCreated: this.created };
    writeFileSync(join(this.path, FILE_NAME), `${JSON.stringify(content, null, 2)}\n`, { mode: OWNER_ONLY });
  }
}

/** The path as a user would type it from here. */
export function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near !== '' && !near.startsWith('..') ? near : path;
}

/** What to add to a command line so that it means this folder; nothing if it is the default one. */
export function dirOption(path: string): string {
  return path === resolve(DEFAULT_FOLDER) ? '' : ` --dir ${shortPath(path)}`;
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new LauncherError(
      'FILE_SYSTEM',
      `${folder} cannot be read: ${messageOf(error)}`,
      ['Name another folder with --dir.'],
      { cause: error },
    );
  }
}

function readClusterFile(file: string): ClusterFile {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as ClusterFile;
    if (content.format !== FORMAT) throw new Error(`format ${content.format} is not ${FORMAT}`);
    if (!Array.isArray(content.ports) || content.ports.length === 0 || !content.ports.every(Number.isInteger))
      throw new Error('"ports" is no list of ports');
    if (typeof content.host !== 'string' || typeof content.password !== 'string')
      throw new Error('"host" or "password" is no text');
    if (!Number.isInteger(content.replicasPerPrimary) || !Number.isInteger(content.nodeTimeoutMs))
      throw new Error('"replicasPerPrimary" or "nodeTimeoutMs" is no whole number');
    return content;
  } catch (error) {
    throw new LauncherError(
      'DAMAGED_FOLDER',
      `${file} cannot be read: ${messageOf(error)}.`,
      ['Repair it, remove the folder by hand, or name another with --dir.'],
      {
        cause: error,
      },
    );
  }
}

/** The node's redis.conf. */
function nodeConfiguration(folder: ClusterFolder, port: number): string {
  const { host, nodeTimeoutMs, password } = folder.settings;
  const lines = [
    '# Made by `slotmesh cluster start`. It is read at every start and not written again: edit what you like, except port and dir.',
    `port ${port}`,
    `bind ${host}`,
    `dir ${quote(folder.nodeFolder(port))}`,
    `pidfile ${quote(folder.pidFile(port))}`,
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    `cluster-node-timeout ${nodeTimeoutMs}`,
    'appendonly yes',
    '# A replica that joins is served at once; the default waits 5 seconds for others that might join too.',
    'repl-diskless-sync-delay 0',
    '# For trials of failures from this machine: DEBUG SLEEP, DEBUG SEGFAULT.',
    'enable-debug-command local',
  ];
  if (password !== '') lines.push(`requirepass ${quote(password)}`, `masterauth ${quote(password)}`);
  return `${lines.join('\n')}\n`;
}

/** A configuration file's string in double quotes (spec/server.md: backslash escapes inside). */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}
