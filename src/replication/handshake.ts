/**
 * What a replica and its primary say to each other before data flows, as the replica does it (spec/replication.md sections 3 and 4):
 *
 *   PING → AUTH?, REPLCONF listening-port, ip-address?, capa, version (written at once, answered one by one) → PSYNC → verdict
 *
 * Pure: lines of the primary go in, bytes to send and verdicts come out.
 */
import { encodeCommand } from '../client/encode-command.js';
import type { ReplicationOptions } from './host.js';

export type HandshakeStep =
  /** The next line is awaited. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** To be tried again later. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** An image comes. `id` is empty if the primary gave none that can be used. */
  | { readonly kind: 'full'; readonly id: string; readonly offset: number }
  /** The stream comes. `id` is empty if it is the one we have. */
  | { readonly kind: 'continue'; readonly id: string }
  /** The primary is too old for PSYNC: an image comes after SYNC, which is to be sent. */
  | { readonly kind: 'sync'; readonly bytes: Uint8Array };

type Awaited = 'ping' | 'auth' | 'port' | 'address' | 'capabilities' | 'version' | 'psync';

/** The Valkey whose RDB we can read: to a replica that tells no version, Valkey 9 sends none with times of hash fields. Redis refuses to hear it. */
const VALKEY_VERSION = '9.0.0';

const WAIT: HandshakeStep = { kind: 'wait' };

export interface HandshakeRequest {
  /** The history to go on with, and the first offset that is missing; null for none. */
  readonly resume: { readonly id: string; readonly offset: number } | null;
  /** We hand our role of a primary to the one we speak to (FAILOVER). */
  readonly isFailover: boolean;
}

export class Handshake {
  private readonly options: ReplicationOptions;
  private readonly request: () => HandshakeRequest;
  private readonly notice: (text: string) => void;
  private readonly awaited: Awaited[] = ['ping'];

  /** @param request is asked when PSYNC is sent */
  constructor(options: ReplicationOptions, request: () => HandshakeRequest, notice: (text: string) => void) {
    this.options = options;
    this.request = request;
    this.notice = notice;
  }

  /** What is sent first. */
  greeting(): Uint8Array {
    return encodeCommand(['PING']);
  }

  /** @param line without its end */
  line(line: string): HandshakeStep {
    const awaited = this.awaited[0];
    if (awaited === 'psync') return this.psyncReply(line);
    this.awaited.shift();
    const isError = line.startsWith('-');
    switch (awaited) {
      case 'ping':
        if (isError && !/^-(NOAUTH|NOPERM|ERR operation not permitted)/.test(line))
          return { kind: 'failed', reason: `Error reply to PING from master: '${line}'` };
        this.notice('Master replied to PING, replication can continue...');
        return { kind: 'send', bytes: this.introduction() };
      case 'auth':
        if (isError) return { kind: 'failed', reason: `Unable to AUTH to MASTER: ${line}` };
        break;
      case 'port':
        if (isError) this.notice(`(Non critical) Master does not understand REPLCONF listening-port: ${line}`);
        break;
      case 'address':
        if (isError) this.notice(`(Non critical) Master does not understand REPLCONF ip-address: ${line}`);
        break;
      case 'version':
        break;
      default:
        if (isError) this.notice(`(Non critical) Master does not understand REPLCONF capa: ${line}`);
    }
    return this.awaited.length > 0 ? WAIT : { kind: 'send', bytes: this.psync() };
  }

  private introduction(): Uint8Array {
    const { masterauth, masteruser, replicaAnnouncePort, replicaAnnounceIp, tlsReplication, tlsPort, port } =
      this.options;
    const commands: Uint8Array[] = [];
    if (masterauth !== '') {
      const words = masteruser === '' ? [masterauth] : [masteruser, masterauth];
      commands.push(encodeCommand(['AUTH', ...words.map((word) => Buffer.from(word, 'latin1'))]));
      this.awaited.push('auth');
    }
    const ownPort = replicaAnnouncePort !== 0 ? replicaAnnouncePort : tlsReplication ? tlsPort : port;
    commands.push(encodeCommand(['REPLCONF', 'listening-port', String(ownPort)]));
    this.awaited.push('port');
    if (replicaAnnounceIp !== '') {
      commands.push(encodeCommand(['REPLCONF', 'ip-address', replicaAnnounceIp]));
      this.awaited.push('address');
    }
    commands.push(encodeCommand(['REPLCONF', 'capa', 'eof', 'capa', 'psync2']));
    this.awaited.push('capabilities');
    commands.push(encodeCommand(['REPLCONF', 'version', VALKEY_VERSION]));
    this.awaited.push('version');
    return Buffer.concat(commands);
  }

  private psync(): Uint8Array {
    const { resume, isFailover } = this.request();
    this.awaited.push('psync');
    const words = resume === null ? ['PSYNC', '?', '-1'] : ['PSYNC', resume.id, String(resume.offset)];
    if (resume === null) this.notice('Partial resynchronization not possible (no cached master)');
    else this.notice(`Trying a partial resynchronization (request ${resume.id}:${resume.offset}).`);
    return encodeCommand(isFailover ? [...words, 'FAILOVER'] : words);
  }

  private psyncReply(line: string): HandshakeStep {
    if (line === '') return WAIT;
    const [verdict, id = '', offset = ''] = line.split(' ');
    if (verdict === '+FULLRESYNC') {
      if (id.length === 40) return { kind: 'full', id, offset: Number.parseInt(offset, 10) || 0 };
      this.notice('Master replied with wrong +FULLRESYNC syntax.');
      return { kind: 'full', id: '', offset: 0 };
    }
    if (verdict === '+CONTINUE') return { kind: 'continue', id: id.length === 40 ? id : '' };
    if (/^-(NOMASTERLINK|LOADING)/.test(line))
      return {
        kind: 'failed',
        reason: `Master is currently unable to PSYNC but should be in the future: ${line}`,
      };
    if (line.startsWith('-ERR')) this.notice(`Master does not support PSYNC or is in error state (reply: ${line})`);
    else this.notice(`Unexpected reply to PSYNC from master: ${line}`);
    this.notice('Retrying with SYNC...');
    return { kind: 'sync', bytes: Buffer.from('SYNC\r\n') };
  }
}
