/** Whatever is written into a configuration file or CONFIG SET is either taken or refused with a reason; what is taken stays what it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote } from '../../../src/resp/quoted-words.js';
import { Config } from '../../../src/server/config/config.js';
import { ConfigError } from '../../../src/server/config/config-error.js';
import { directives } from '../../../src/server/config/directives.js';
import { type LineTarget, loadConfigText } from '../../../src/server/config/load.js';
import { rewriteText } from '../../../src/server/config/rewrite.js';
import { fc } from '../../support/property.js';

const bytes = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => String.fromCharCode(...codes));
const plausible = fc
  .array(
    fc.constantFrom(
      'yes',
      'no',
      '0',
      '-1',
      '5',
      '1kb',
      '10%',
      'normal',
      'save',
      '127.0.0.1',
      'KEA',
      '',
      '0777',
      '{title}',
    ),
    {
      maxLength: 5,
    },
  )
  .map((words) => words.join(' '));
const value = fc.oneof(bytes, plausible, fc.bigInt().map(String));
const name = fc.constantFrom(...Object.keys(directives).filter((each) => each !== 'dir'));

test('a set is taken or refused with a reason, and what it leaves can be set again', () => {
  const config = new Config();
  fc.assert(
    fc.property(name, value, (directive, text) => {
      const outcome = config.set([directive, text], { isLocal: true });
      assert.ok(outcome === null || (typeof outcome === 'string' && outcome.startsWith('ERR ')), String(outcome));
      const shown = config.get([directive])[0]![1];
      const again = config.set([directive, shown], { isLocal: true });
      assert.ok(
        again === null || /can't set (immutable|protected) config$/.test(String(again)),
        `${directive} ${shown}: ${again}`,
      );
      assert.equal(config.get([directive])[0]![1], shown);
    }),
    { numRuns: 5000 },
  );
});

test('any text is loaded or refused for one of its lines, and can be rewritten', () => {
  const target: LineTarget = {
    setDirective: (directive, words) => (directive.length % 2 === 0 ? null : words.length > 3 ? 'reason' : undefined),
    renameCommand: () => null,
    defineUser: () => 'no users',
    directory: () => '/nosuch',
  };
  const line = fc.oneof(
    bytes,
    fc.tuple(name, value).map(([first, rest]) => `${first} ${quote(rest)}`),
    value,
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      try {
        loadConfigText(text, target);
      } catch (error) {
        assert.ok(error instanceof ConfigError);
      }
      const once = rewriteText(text, [{ key: 'k', lines: [{ text: 'k v', force: true }] }], (words) => words[0]!);
      assert.equal(
        rewriteText(once, [{ key: 'k', lines: [{ text: 'k v', force: true }] }], (words) => words[0]!),
        once,
      );
    }),
    { numRuns: 2000 },
  );
});
