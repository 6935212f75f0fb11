/** RabbitMQ’s management API: users and what they may do in virtual hosts. */
import { RequestError } from '../../model/errors.ts';
import { jsonOf, member } from '../../model/outgoing.ts';
import type { IncomingReply, OutgoingRequest, SendRequest } from '../../model/outgoing.ts';

const NOT_FOUND = 404;
const REASON_LENGTH_MAX = 200;

export interface Connection {
  readonly uri: string;
  readonly username: string;
  readonly password: string;
  /** '' = the authorities of the system. */
  readonly caPem: string;
}

export class ManagementError extends Error {
  override readonly name = 'ManagementError';
  /** Undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }

  /** The broker has refused the call, so nothing has changed. */
  get refused(): boolean {
    return this.status !== undefined && this.status >= 400 && this.status < 500;
  }
}

/** What is told to a caller of a call that failed. */
export function asFailure(before: string, error: unknown): unknown {
  if (!(error instanceof ManagementError)) return error;
  return new RequestError('upstream_failed', `${before}: ${error.message}`, {
    vaultStatus: 500,
    cause: error,
  });
}

/** Regular expressions of RabbitMQ, for names of exchanges and queues. */
export interface Permission {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

/** Regular expressions for routing keys of a topic exchange. */
export interface TopicPermission {
  readonly write: string;
  readonly read: string;
}

export class Management {
  readonly #connection: Connection;
  readonly #send: SendRequest;

  constructor(connection: Connection, send: SendRequest) {
    this.#connection = connection;
    this.#send = send;
  }

  /** @throws {ManagementError} the account may not manage users, or there is no broker */
  async check(): Promise<void> {
    await this.#call('GET', ['users']);
  }

  async hasUser(username: string): Promise<boolean> {
    try {
      await this.#call('GET', ['users', username]);
      return true;
    } catch (error) {
      if (error instanceof ManagementError && error.status === NOT_FOUND) return false;
      throw error;
    }
  }

  async putUser(username: string, password: string, tags: string): Promise<void> {
    await this.#call('PUT', ['users', username], { password, tags });
  }

  async putPermission(username: string, vhost: string, permission: Permission): Promise<void> {
    await this.#call('PUT', ['permissions', vhost, username], permission);
  }

  async putTopicPermission(
    username: string,
    vhost: string,
    exchange: string,
    permission: TopicPermission,
  ): Promise<void> {
    const body = { exchange, ...permission };
    await this.#call('PUT', ['topic-permissions', vhost, username], body);
  }

  /** Its permissions and connections go with it. That there is none is fine. */
  async deleteUser(username: string): Promise<void> {
    try {
      await this.#call('DELETE', ['users', username]);
    } catch (error) {
      if (!(error instanceof ManagementError) || error.status !== NOT_FOUND) throw error;
    }
  }

  async #call(
    method: OutgoingRequest['method'],
    path: readonly string[],
    body?: object,
  ): Promise<void> {
    const { uri, username, password, caPem } = this.#connection;
    const url = `${uri.replace(/\/+$/, '')}/api/${path.map(encodeURIComponent).join('/')}`;
    let reply: IncomingReply;
    try {
      reply = await this.#send(url, {
        method,
        headers: {
          authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(caPem === '' ? {} : { caPem }),
      });
    } catch (error) {
      throw new ManagementError('the broker does not answer', undefined, { cause: error });
    }
    if (reply.status >= 200 && reply.status < 300) return;
    const reason = member(jsonOf(reply), 'reason');
    const text =
      typeof reason === 'string' ? reason.slice(0, REASON_LENGTH_MAX) : 'no reason given';
    throw new ManagementError(`${reply.status}: ${text}`, reply.status);
  }
}
