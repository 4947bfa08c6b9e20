// Second half of the build: each program as one file under dist/bundle/. Node then starts the server with half the CPU time (85 ms instead of 180: reading
// and linking two hundred modules is what takes long). The tools share what they have in common, and load a mode only when it is asked for.
// bin/start-program.js uses a bundle if it is not older than what the compiler wrote.
//
// The server's is a script rather than a module, because only a script can have a code cache (scripts/code-cache.mjs), and because Node reads a module in one
// go. As soon as the buffer for that, a large block, is freed, glibc keeps freed memory of up to twice its size in each thread's heap: some 3 MiB after the
// compiler's threads have been at work, and the arena's chunks come from the heap, too, instead of being mapped one by one and given back when they are freed.
//
// What COMMAND and COMMAND DOCS reply is made here once, as it depends on the table of commands alone: to put it together takes a server 10 and 20 ms when it
// is first asked for. The server's bundle knows the files by a digest of what is in them, so those of another build are never taken for its own.
//
// esbuild makes `var` of what modules declare by `const`. The engine can then take no constant of theirs for one (a shift, a table, a limit: nearly every line
// of the hot path has some), which costs the server a fifth of its CPU time. So what is never assigned again becomes `const` again.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { build, transform } from 'esbuild';
import { CommandTable } from '../dist/src/commands/command-table.js';
import { allCommands } from '../dist/src/commands/index.js';
import { describeCommands } from '../dist/src/commands/introspection.js';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

/** Declarations of a module: esbuild indents what is inside of something. */
const DECLARATION = /^var ([\w$]+) = /gm;
/** Assignments and increments of a name; also of names that are declared there, and of others that are spelt the same. */
const ASSIGNMENT =
  /(?<!var |[.\w$])([\w$]+)\s*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>>?|\*\*|&&|\|\||\?\?)?=(?![=>]))|(?:\+\+|--)([\w$]+)/g;

/** An import of one of Node's own modules, as esbuild prints it: of its default, of all, or of some names. */
const IMPORT = /(?<![\w$.])import(?: ([\w$]+) |\*as ([\w$]+) |\{([^}]*)\})from"(node:[\w/]+)";/g;

async function bundle(options, finish = (code) => code) {
  const { outputFiles } = await build({
    ...options,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  });
  for (const { path: file, text } of outputFiles) {
    if (/\b__esm\b/.test(text)) throw new Error(`${file}: a module is imported when asked for, so it has no constants`);
    // Names stay, so that stack traces and profiles can be read.
    const { code, warnings } = await transform(withConstants(text), { minifyWhitespace: true, logLevel: 'warning' });
    if (warnings.length > 0) throw new Error(`${file}: a name that is assigned was taken for a constant`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, finish(code));
  }
}

/** @returns a module that imports nothing but Node's own modules, as a script whose value is a function that runs it, given `require` and its own URL */
function asScript(code) {
  const imports = [];
  const body = code.replace(IMPORT, (_, standard, all, some, module) => {
    imports.push(`const ${standard ?? all ?? `{${some.replaceAll(' as ', ':')}}`}=require("${module}");`);
    return '';
  });
  const script = `(async(require,scriptUrl)=>{"use strict";${imports.join('')}${body}\n})`;
  // An import that was overlooked is a syntax error.
  new Script(script);
  return script;
}

function withConstants(text) {
  const assigned = new Set();
  for (const [, name, incremented] of text.matchAll(ASSIGNMENT)) assigned.add(name ?? incremented);
  return text.replace(DECLARATION, (all, name) => (assigned.has(name) ? all : `const ${name} = `));
}

/** @returns where the replies are, from dist/bundle/ */
function makeReplies() {
  const table = new CommandTable(allCommands);
  const replies = ['info', 'docs'].flatMap((kind) =>
    [2, 3].map((protocol) => [`${kind}.resp${protocol}`, describeCommands(table, kind, protocol)]),
  );
  const digest = createHash('sha256');
  for (const [, bytes] of replies) digest.update(bytes);
  const folder = `replies/${digest.digest('hex').slice(0, 16)}/`;
  rmSync(path('dist/bundle/replies'), { recursive: true, force: true });
  mkdirSync(path(`dist/bundle/${folder}`), { recursive: true });
  for (const [name, bytes] of replies) writeFileSync(path(`dist/bundle/${folder}${name}`), bytes);
  return folder;
}

await bundle(
  {
    entryPoints: [path('dist/src/server/main.js')],
    outfile: path('dist/bundle/server.script.js'),
    define: { 'import.meta.url': 'scriptUrl', MADE_REPLIES: JSON.stringify(makeReplies()) },
  },
  asScript,
);

// Names of shared chunks change with their content: those of earlier builds go.
rmSync(path('dist/bundle/tools'), { recursive: true, force: true });
await bundle({
  entryPoints: {
    cli: path('dist/src/cli/main.js'),
    benchmark: path('dist/src/cli/benchmark/main.js'),
    trib: path('dist/src/cli/trib/main.js'),
    'create-cluster': path('dist/src/cli/create-cluster/main.js'),
    'check-rdb': path('dist/src/cli/check/check-rdb.js'),
    'check-aof': path('dist/src/cli/check/check-aof.js'),
  },
  outdir: path('dist/bundle/tools'),
  splitting: true,
});
