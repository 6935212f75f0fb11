/** A RabbitMQ of one's own with its management API on a free port, that ends with the rig. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child, freePort } from './child.ts';

/** Debian's own program changes to another user; this is the one below it. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const EPMD = '/usr/bin/epmd';
const READY_MS_MAX = 60_000;
const POLL_MS = 100;
export const RABBITMQ_HINT = 'apt-get install rabbitmq-server';

/** The account that may do everything, and its password. */
export const RABBITMQ_ADMIN: { readonly username: string; readonly password: string } = {
  username: 'keeper',
  password: 'keeper-pass',
};

export interface Rabbitmq {
  /** Of the management API. */
  readonly url: string;
  /** Asks the management API as this account. */
  ask(
    method: string,
    path: string,
    account?: { readonly username: string; readonly password: string },
    body?: unknown,
  ): Promise<{ readonly status: number; readonly document: unknown }>;
  stop(): Promise<void>;
}

export function rabbitmqIsHere(): boolean {
  return existsSync(SERVER) && existsSync(EPMD);
}

/** @throws {Error} it is not here, or does not start. */
export async function startRabbitmq(): Promise<Rabbitmq> {
  if (!rabbitmqIsHere()) throw new Error(`RabbitMQ is not here: ${RABBITMQ_HINT}`);
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-rabbitmq-'));
  const [amqp, management, distribution, epmdPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const { username, password } = RABBITMQ_ADMIN;
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    `listeners.tcp.1 = 127.0.0.1:${amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${management}
default_user = ${username}
default_pass = ${password}
`,
  );
  writeFileSync(join(folder, 'plugins'), '[rabbitmq_management].\n');
  const epmd = new Child([EPMD, '-port', String(epmdPort), '-address', '127.0.0.1']);
  const child = new Child([SERVER], {
    cwd: folder,
    env: {
      HOME: folder,
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `rig${amqp}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(amqp),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_MNESIA_BASE: join(folder, 'data'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    },
  });
  const url = `http://127.0.0.1:${management}`;

  const ask: Rabbitmq['ask'] = async (method, path, account = RABBITMQ_ADMIN, body) => {
    const basic = Buffer.from(`${account.username}:${account.password}`).toString('base64');
    const reply = await fetch(`${url}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${basic}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    return { status: reply.status, document: text === '' ? undefined : JSON.parse(text) };
  };

  async function stop(): Promise<void> {
    await child.kill();
    await epmd.kill();
    rmSync(folder, { recursive: true, force: true });
  }

  const started = performance.now();
  for (;;) {
    try {
      if ((await ask('GET', 'overview')).status === 200) return { url, ask, stop };
    } catch (error) {
      if (child.exit !== undefined || performance.now() - started > READY_MS_MAX) {
        await stop();
        throw new Error(`RabbitMQ does not start:\n${child.output}`, { cause: error });
      }
    }
    await pause(POLL_MS);
  }
}
