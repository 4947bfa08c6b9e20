/**
 * What can go wrong between a client and a server, apart from error replies (those are `ReplyError`). The codes are stable:
 *
 *   CONNECT_FAILED     the address cannot be reached; `cause` tells why
 *   CONNECT_TIMEOUT    no connection, or no answer to the greeting, within the time given
 *   COMMAND_TIMEOUT    a reply is overdue; the connection is closed, for replies come in order and nothing behind it could be answered either
 *   CONNECTION_CLOSED  the connection ended while replies were awaited, or was ended already
 *   MALFORMED_REPLY    the peer sent bytes that are no reply
 *   BACKPRESSURE       too much is sent and not answered yet; the request was not sent
 *   NO_NODE            no node of the cluster could be reached
 */
export type ClientErrorCode =
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  | 'COMMAND_TIMEOUT'
  | 'CONNECTION_CLOSED'
  | 'MALFORMED_REPLY'
  | 'BACKPRESSURE'
  | 'NO_NODE';

export class ClientError extends Error {
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ClientError';
    this.code = code;
  }
}
