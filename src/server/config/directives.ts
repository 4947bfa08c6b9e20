/**
 * The table of all configuration directives of Redis 7.2, and the types that follow from it.
 *
 * A directive is one record in one of the groups below; whoever must know about directives (files, the command line, CONFIG, the user's
 * documentation, the types of `config.values`) reads the table. To add one: a record in its group, and `node scripts/config-docs.mjs`.
 *
 * Source: spec/server.md 6.8.
 */
import type { Directive } from './directive.js';
import { clusterDirectives } from './directives/cluster.js';
import { datasetDirectives } from './directives/dataset.js';
import { generalDirectives } from './directives/general.js';
import { networkDirectives } from './directives/network.js';
import { persistenceDirectives } from './directives/persistence.js';
import { replicationDirectives } from './directives/replication.js';

export const directives = {
  ...networkDirectives,
  ...generalDirectives,
  ...datasetDirectives,
  ...persistenceDirectives,
  ...replicationDirectives,
  ...clusterDirectives,
};

export type Directives = typeof directives;

/** A directive's present name, e.g. `replica-priority`. */
export type DirectiveName = keyof Directives;

type FieldName<S extends string> = S extends `${infer Head}${'-' | '_'}${infer Tail}`
  ? `${Head}${Capitalize<FieldName<Tail>>}`
  : S;

/** The values of all directives under their field names: `cluster-node-timeout` is `clusterNodeTimeout`. */
export type ConfigValues = {
  readonly [K in DirectiveName as FieldName<K>]: Directives[K] extends Directive<infer V> ? V : never;
};

/** `cluster-node-timeout` → `clusterNodeTimeout` */
export function fieldName(name: string): string {
  return name.replace(/[-_](.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Names that Redis once had: read with one value, and passed over. */
export const OBSOLETE_DIRECTIVES: ReadonlySet<string> = new Set([
  'list-max-ziplist-entries',
  'list-max-ziplist-value',
  'lua-replicate-commands',
]);
