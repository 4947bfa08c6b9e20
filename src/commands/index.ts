/** All commands of the server, by group. */
import type { CommandRecord } from './command.js';
import { connectionCommands } from './connection.js';
import { stringCommands } from './string.js';

export const allCommands: readonly CommandRecord[] = [...connectionCommands, ...stringCommands];
