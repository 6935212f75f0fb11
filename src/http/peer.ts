/** The other end of a connection, as long as it lasts. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Connection } from '../facades/facade.ts';
import { plainAddress } from './forwarded-for.ts';
import type { VerbConnection } from './verb-connection.ts';

/** No chain that anyone uses is longer; the loop below must end whatever was sent. */
const CHAIN_MAX = 16;

/** What handlers may know of a connection; the certificates are taken out of the TLS session only when asked for. */
export class PeerConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly local: boolean;
  readonly #socket: Socket;
  #certificates: readonly Buffer[] | undefined;

  constructor(socket: Socket, remoteAddress?: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress ?? plainAddress(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    this.local = socket.remoteAddress === undefined;
  }

  get clientCertificates(): readonly Buffer[] {
    this.#certificates ??= certificateChain(this.#socket);
    return this.#certificates;
  }
}

/** DER of the chain, leaf first. Nothing here says that any of it was verified. */
function certificateChain(socket: Socket): readonly Buffer[] {
  if (!(socket instanceof TLSSocket)) return [];
  const chain: Buffer[] = [];
  const leaf = socket.getPeerX509Certificate();
  for (
    let next = leaf;
    next !== undefined && chain.length < CHAIN_MAX;
    next = next.issuerCertificate
  ) {
    // A self-signed certificate is its own issuer.
    if (chain.some((seen) => seen.equals(next.raw))) break;
    chain.push(next.raw);
  }
  return chain;
}

export interface Peer {
  readonly socket: Socket;
  readonly connection: Connection;
  /** Requests that have no reply yet. */
  busy: number;
  /** The newest reply, which may still wait behind others. */
  lastResponse: ServerResponse | undefined;
  /** The parser failed: what is running still gets its reply, then the connection ends. */
  failed: boolean;
  /** Set once this connection sent a LIST or SCAN. */
  verbs: VerbConnection | undefined;
}

export function newPeer(socket: Socket): Peer {
  return {
    socket,
    connection: new PeerConnection(socket),
    busy: 0,
    lastResponse: undefined,
    failed: false,
    verbs: undefined,
  };
}
