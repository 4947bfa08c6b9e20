/** Looks at TCP ports of this machine. A cluster node needs two: its own and, 10000 above, the cluster bus (spec/cluster.md section 2.1). */
import { createServer } from 'node:net';

export const BUS_PORT_OFFSET = 10_000;
/** The largest port whose bus port still exists. */
export const CLUSTER_PORT_MAX = 65_535 - BUS_PORT_OFFSET;

/** `not-here`: the address belongs to no interface of this machine; `forbidden`: the system reserves the port (below 1024). */
export type PortState = 'free' | 'in-use' | 'not-here' | 'forbidden';

/** Whether a server could listen there now. Says nothing about the next moment. */
export function probePort(port: number, host = '127.0.0.1'): Promise<PortState> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL') resolve('not-here');
      else resolve(error.code === 'EACCES' ? 'forbidden' : 'in-use');
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

/** True when a cluster node could listen there now: on the port and on its bus port. */
export async function isNodePortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await probePort(port, host)) === 'free' && (await probePort(port + BUS_PORT_OFFSET, host)) === 'free';
}
