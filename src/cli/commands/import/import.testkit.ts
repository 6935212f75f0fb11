/** What tests of imports share: servers to read and to write, and the command line between them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Api } from '../../../../rig/api.ts';
import { Child, freePort } from '../../../../rig/child.ts';
import { run } from '../../run.ts';
import { stubTerminal } from '../../scripts/stub.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const READY_MS_MAX = 30_000;
const POLL_MS = 20;
export const TOKEN = 'root-of-the-import-tests';

export interface DevServer {
  readonly address: string;
  readonly api: Api;
  stop(): Promise<void>;
}

/** A server in memory: of this program, or of the OpenBao at `openbao`. */
export async function startDev(openbao?: string): Promise<DevServer> {
  const home = mkdtempSync(join(tmpdir(), 'strongroom-import-'));
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const flags = [
    'server',
    '-dev',
    `-dev-root-token-id=${TOKEN}`,
    `-dev-listen-address=127.0.0.1:${port}`,
    '-dev-no-store-token',
  ];
  const program = openbao === undefined ? [process.execPath, MAIN] : [openbao];
  const child = new Child([...program, ...flags], { env: { HOME: home } });
  const api = new Api(address);
  const stop = async (): Promise<void> => {
    api.close();
    await child.kill();
    rmSync(home, { recursive: true, force: true });
  };
  const started = performance.now();
  for (;;) {
    const status = await api.call('GET', 'sys/mounts', { token: TOKEN }).catch(() => undefined);
    if (status?.status === 200) return { address, api, stop };
    if (child.exit !== undefined || performance.now() - started > READY_MS_MAX) {
      await stop();
      throw new Error(`the server does not start:\n${child.output}`);
    }
    await delay(POLL_MS);
  }
}

export interface Said {
  readonly code: number;
  readonly output: string;
  readonly complaints: string;
}

/** Runs an import command against `target`. */
export async function runImport(
  target: DevServer,
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const terminal = stubTerminal({
    environment: {
      VAULT_ADDR: target.address,
      VAULT_TOKEN: TOKEN,
      STRONGROOM_SOURCE_TOKEN: TOKEN,
      ...environment,
    },
  });
  const code = await run(['import', ...argv], terminal);
  return { code, output: terminal.output(), complaints: terminal.complaints() };
}
