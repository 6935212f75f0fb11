/** A real FreeRADIUS in a folder of its own, with a few users; stopped and removed by whoever started it. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = '/usr/sbin/freeradius';
export const FREERADIUS_IS_THERE: boolean = existsSync(PROGRAM);
export const FREERADIUS_HINT = 'apt-get install freeradius';
export const SECRET = 'shared with the server';

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

const config = (folder: string, port: number): string => `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = ${folder}
raddbdir = ${folder}
run_dir = ${folder}
pidfile = ${folder}/pid
max_request_time = 5
security {
  allow_vulnerable_openssl = yes
}
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 2
}
client here {
  ipaddr = 127.0.0.1
  secret = "${SECRET}"
  require_message_authenticator = yes
}
modules {
  pap {
  }
  files {
    filename = ${folder}/users
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
  post-auth {
    update reply {
      Message-Authenticator := 0x00
    }
    Post-Auth-Type REJECT {
      update reply {
        Message-Authenticator := 0x00
      }
    }
  }
}
`;

export interface FreeRadius {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startFreeRadius(
  passwords: Readonly<Record<string, string>>,
): Promise<FreeRadius> {
  const folder = mkdtempSync(join(tmpdir(), 'freeradius-'));
  const port = await freePort();
  const users = Object.entries(passwords)
    .map(([name, password]) => `"${name}" Cleartext-Password := "${password}"\n`)
    .join('');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'users'), users);
  writeFileSync(join(folder, 'radiusd.conf'), config(folder, port));
  const child = spawn(PROGRAM, ['-X', '-d', folder, '-n', 'radiusd'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const listen = (chunk: Buffer): void => {
    if (said.includes('Ready to process requests')) return;
    said += chunk.toString();
    if (said.includes('Ready to process requests')) resolve();
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  child.once('exit', () => reject(new Error(`freeradius ended: ${said.slice(-2000)}`)));
  await promise;
  return {
    port,
    async stop() {
      const over = once(child, 'exit');
      child.kill();
      await over;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
