/**
 * Stories of several clients, some of which wait: the same story is told to the real server and to ours, and their transcripts must be the same.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';
import { Eavesdroppers } from './events.js';
import { useServers } from './harness.js';
import { words } from './steps.js';

/** One server's side of a story: `a` acts, the others wait. */
class Scene {
  readonly transcript: string[] = [];
  private readonly clients = new Map<string, RespClient>();
  private readonly ids = new Map<string, string>();
  private readonly pending = new Map<string, Promise<unknown>>();

  constructor(
    private readonly server: ServerProcess,
    private readonly protocol: 2 | 3,
  ) {}

  /** Executes a command and notes the reply. */
  async run(line: string, name = 'a'): Promise<void> {
    const client = await this.client(name);
    this.note(line, await client.request(words(line)));
  }

  /** Sends a command that waits, and comes back when it does. */
  async wait(name: string, line: string): Promise<void> {
    const client = await this.client(name);
    this.pending.set(name, client.request(words(line)));
    await this.untilBlocked();
  }

  /** Notes the reply that a waiting client has got. */
  async answered(...names: string[]): Promise<void> {
    for (const name of names) {
      this.note(name, await this.pending.get(name));
      this.pending.delete(name);
    }
  }

  /** Has a waiting client let go. */
  async unblock(name: string, how: 'ERROR' | 'TIMEOUT'): Promise<void> {
    const reply = await (await this.client('a')).request(['CLIENT', 'UNBLOCK', this.ids.get(name)!, how]);
    this.note(`unblock ${name}`, reply);
  }

  /** Ends the connection of a waiting client. */
  async hangUp(name: string): Promise<void> {
    this.clients.get(name)!.close();
    this.clients.delete(name);
    await this.pending.get(name)!.catch(() => {});
    this.pending.delete(name);
    await this.untilBlocked();
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
  }

  private async untilBlocked(): Promise<void> {
    const count = String(this.pending.size);
    await waitFor(async () => (await this.server.info('clients'))['blocked_clients'] === count, {
      what: `${count} blocked clients`,
    });
  }

  private async client(name: string): Promise<RespClient> {
    const known = this.clients.get(name);
    if (known !== undefined) return known;
    const options = { protocol: this.protocol, replies: 'raw' } as const;
    const client = await this.server.connect(options);
    this.clients.set(name, client);
    this.ids.set(name, /\d+/.exec(String(await client.request(['CLIENT', 'ID'])))![0]);
    return client;
  }

  private note(what: string, reply: unknown): void {
    this.transcript.push(`${what} → ${JSON.stringify((reply as Buffer).toString('latin1'))}`);
  }
}

export type Stories = Record<string, (scene: Scene) => Promise<void>>;

/** Declares the tests of these stories, for each server under test. @param title what the servers do alike */
export function tellStories(title: string, stories: Stories): void {
  for (const kind of serversUnderTest()) {
    describe(`${kind} ${title} as redis-server does`, { skip: needsServers('redis', kind) }, () => {
      const servers = useServers(kind);
      for (const [name, story] of Object.entries(stories)) {
        for (const protocol of [2, 3] as const) {
          test(`${name}, RESP${protocol}`, async () => {
            const eavesdroppers = protocol === 3 ? await Eavesdroppers.attach(servers()) : null;
            try {
              const transcripts = await Promise.all(
                [servers().oracle, servers().subject].map(async (server) => {
                  await server.call('FLUSHALL');
                  const scene = new Scene(server, protocol);
                  try {
                    await story(scene);
                    return scene.transcript;
                  } finally {
                    scene.close();
                  }
                }),
              );
              assert.deepEqual(transcripts[1], transcripts[0]);
              assert.equal((await eavesdroppers?.compare()) ?? null, null);
            } finally {
              eavesdroppers?.close();
            }
          });
        }
      }
    });
  }
}
