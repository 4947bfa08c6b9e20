/** Entry of `slotmesh-server`: reads the configuration, builds the node and listens. */
import net from 'node:net';
import { CommandTable } from '../commands/command-table.js';
import { allCommands } from '../commands/index.js';
import { Server } from './server.js';
import { acceptTransports } from './transport.js';

const port = Number(process.argv[process.argv.indexOf('--port') + 1] || 6379);
const log = { debug() {}, verbose() {}, notice: console.log, warning: console.error };
const replication = { hasEnoughReplicas: () => true, connectionClosed() {} };
const server = new Server(new CommandTable(allCommands), log, replication, 16);
const listener = net.createServer();
listener.listen(port, '127.0.0.1', 511, () => {
  acceptTransports(listener, (transport) => server.accept(transport));
  console.log('Ready to accept connections');
});
