/** Opens the connections of a test: TCP, Unix socket or TLS, as transports. */
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { connectTransport, type Transport, wrapSocket } from '../../server/transport.js';
import type { Target } from './workload.js';

/** @param opened  gets the transport, or why there is none */
export function openTarget(
  { host, port, path }: Target,
  tls: ConnectionOptions | null,
  opened: (transport: Transport | null, error: Error | null) => void,
): void {
  const where = path === '' ? { host, port } : { path };
  if (tls === null) {
    connectTransport(where, opened);
    return;
  }
  const socket = connectTls({ ...tls, ...where } as ConnectionOptions);
  const onError = (error: Error): void => opened(null, error);
  socket.once('error', onError);
  socket.once('secureConnect', () => {
    socket.off('error', onError);
    opened(wrapSocket(socket), null);
  });
}
