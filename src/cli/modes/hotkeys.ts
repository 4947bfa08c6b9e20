/** --hotkeys: the sixteen keys used most, by the counters that the server keeps for an LFU policy. */
import type { CommandLine } from '../command-line.js';
import { repr } from '../reply/quote.js';
import { numberOf, textOf } from '../reply/reply-node.js';
import type { Terminal } from '../terminal.js';
import { percent } from './key-sampling.js';
import { databaseSize, KeyScan, ModeFailure, samplingPace } from './key-scan.js';
import { withServer } from './mode-session.js';

const KEPT_KEYS = 16;
const MILESTONE_KEYS = 1_000_000;
const INTRODUCTION = `
# Scanning the entire keyspace to find hot keys as well as
# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec
# per 100 SCAN commands (not usually needed).

`;

interface HotKey {
  readonly name: string;
  readonly counter: number;
}

export function runHotkeys(line: CommandLine, terminal: Terminal): Promise<number> {
  return withServer(line, terminal, async (session) => {
    let isStopped = false;
    const stopListening = terminal.onInterrupt(() => {
      isStopped = true;
    });
    const size = await databaseSize(session);
    terminal.write(INTRODUCTION);
    /** Coldest first. */
    const hottest: HotKey[] = [];
    let sampledKeys = 0;
    const scan = new KeyScan(session, line, samplingPace(line));
    session.sendAll(await scan.nextRequest());
    for (let keys = await scan.nextBatch(); keys !== null && !isStopped; keys = await scan.nextBatch()) {
      const progress = percent(sampledKeys, size);
      session.sendAll([...keys.map((key) => ['OBJECT', 'FREQ', key]), ...(await scan.nextRequest())]);
      for (const key of keys) {
        const reply = await session.nextReply();
        if (reply.kind === 'error' && !/no such key/i.test(textOf(reply)))
          throw new ModeFailure(`Error: ${textOf(reply)}`);
        if (reply.kind !== 'integer')
          terminal.writeError(`Warning: OBJECT freq on '${repr(key)}' failed (may have been deleted)\n`);
        const counter = numberOf(reply);
        sampledKeys++;
        if (keep(hottest, { name: repr(key), counter }))
          terminal.write(`[${progress}] Hot key '${repr(key)}' found so far with counter ${counter}\n`);
        if (sampledKeys % MILESTONE_KEYS === 0) terminal.write(`[${progress}] Sampled ${sampledKeys} keys so far\n`);
      }
    }
    stopListening();
    const head = isStopped ? `[${percent(sampledKeys, size)}] ` : '';
    terminal.write(`\n-------- summary -------\n\n${head}Sampled ${sampledKeys} keys in the keyspace!\n`);
    for (const { name, counter } of hottest.toReversed())
      terminal.write(`hot key found with counter: ${counter}\tkeyname: ${name}\n`);
    return 0;
  });
}

/** Puts a key among the hottest, if it belongs there. */
function keep(hottest: HotKey[], key: HotKey): boolean {
  if (key.counter === 0 || (hottest.length === KEPT_KEYS && key.counter <= hottest[0]!.counter)) return false;
  const at = hottest.findIndex((each) => each.counter >= key.counter);
  hottest.splice(at < 0 ? hottest.length : at, 0, key);
  if (hottest.length > KEPT_KEYS) hottest.shift();
  return true;
}
