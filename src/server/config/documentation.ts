/**
 * The user's page about configuration, made from the table of directives, so that it cannot be out of date: `scripts/config-docs.mjs` writes it to
 * docs/configuration.md, and a test compares.
 */
import { REDIS_VERSION } from '../../version.js';
import type { Directive } from './directive.js';
import { clusterDirectives } from './directives/cluster.js';
import { datasetDirectives } from './directives/dataset.js';
import { generalDirectives } from './directives/general.js';
import { networkDirectives } from './directives/network.js';
import { persistenceDirectives } from './directives/persistence.js';
import { replicationDirectives } from './directives/replication.js';

type Group = Readonly<Record<string, Directive<unknown>>>;

const GROUPS: readonly (readonly [title: string, group: Group])[] = [
  ['Network, clients, TLS', networkDirectives],
  ['Process, log, security, observation', generalDirectives],
  ['Dataset and memory', datasetDirectives],
  ['Persistence', persistenceDirectives],
  ['Replication', replicationDirectives],
  ['Cluster', clusterDirectives],
];

const INTRODUCTION = `<!-- Made by scripts/config-docs.mjs from src/server/config/directives/; do not edit. -->
# Configuration

\`slotmesh-server\` takes the configuration files and arguments of \`redis-server\` ${REDIS_VERSION}:

\`\`\`
slotmesh-server [file] [--directive value …] [-]
\`\`\`

The file is read first, then standard input (if \`-\` is the first or last argument), then the options; later values replace earlier ones, except
that \`save\` lines add up. \`include <file or pattern>\` reads other files in place. Words with blanks are put in \`"…"\` (with the escapes \`\\n \\r \\t
\\b \\a \\xHH\`) or \`'…'\`. Memory sizes take the units \`k\` (1000), \`kb\` (1024), \`m\`, \`mb\`, \`g\`, \`gb\`.

At run time \`CONFIG GET\` shows, \`CONFIG SET\` changes, and \`CONFIG REWRITE\` writes the present values into the file, leaving comments and order alone.

**Change**: *yes* – by \`CONFIG SET\`; *start* – in the file or on the command line only; *protected* – by \`CONFIG SET\` if \`enable-protected-configs\`
allows it. **Effect**: *yes* – as in Redis; *kept* – accepted, shown and written back, but nothing here depends on it.

Not supported, and refused with a clear message: \`loadmodule\`, and \`user\` lines for others than an unrestricted default user.
`;

export function configurationPage(): string {
  return `${[INTRODUCTION, ...GROUPS.map(([title, group]) => section(title, group))].join('\n')}`;
}

function section(title: string, group: Group): string {
  const rows = Object.entries(group).map(([name, directive]) => row(name, directive));
  return `## ${title}

| directive | default | values | change | effect | meaning |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

function row(name: string, directive: Directive<unknown>): string {
  const older = directive.aliases.length === 0 ? '' : ` (older: ${directive.aliases.map(code).join(', ')})`;
  const shown =
    name === 'dir' ? 'where it was started' : code(directive.defaultText === '' ? '""' : directive.defaultText);
  const change = directive.immutable ? 'start' : directive.protected ? 'protected' : 'yes';
  const effect = directive.effect === 'live' ? 'yes' : 'kept';
  const meaning = [directive.summary, directive.note]
    .filter((text) => text !== '')
    .map(sentence)
    .join(' ');
  const cells = [
    `${code(name)}${older}`,
    shown,
    directive.range === '' ? directive.type : directive.range,
    change,
    effect,
    meaning,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
