/** Emulators of the clouds: started by a command or found at an address, filled through their own API, asked what Strongroom is asked. */
import { setTimeout as delay } from 'node:timers/promises';
import { Child, freePort } from '../rig/child.ts';
import { awsCreate, azureSet, flatSecret, FLAT_SECRETS, googleCreate } from './cloud.ts';
import { Connection } from './connection.ts';
import { GRPC_SCENARIO, SECRET } from './scenarios.ts';
import type { ScenarioName } from './scenarios.ts';
import { NO_KEY, NO_LOGINS } from './targets.ts';
import type { Target } from './targets.ts';

export type Cloud = 'aws' | 'azure' | 'google';

export interface EmulatorOptions {
  readonly cloud: Cloud;
  /** `http://127.0.0.1:PORT`, or a command in which `{port}` and `{grpc}` stand for free ports. */
  readonly place: string;
  /** What it takes as a bearer token; most take any. */
  readonly token: string;
}

const STARTED_WITHIN_MS = 60_000;
const POLL_MS = 100;

const SCENARIOS: Readonly<Record<Cloud, readonly ScenarioName[]>> = {
  aws: ['aws get'],
  azure: ['azure get'],
  google: ['google access', GRPC_SCENARIO],
};
/** Any will do: emulators check no signature. */
const ANY_KEY = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

export async function startEmulator({ cloud, place, token }: EmulatorOptions): Promise<Target> {
  const address = URL.canParse(place) ? new URL(place) : undefined;
  const port = address === undefined ? await freePort() : Number(address.port);
  const grpcPort = place.includes('{grpc}') ? await freePort() : undefined;
  const child =
    address === undefined
      ? new Child(
          place
            .replaceAll('{port}', String(port))
            .replaceAll('{grpc}', String(grpcPort))
            .split(' '),
        )
      : undefined;
  try {
    await answers(port, child);
    for (let index = 0; index < FLAT_SECRETS; index++) {
      for (const request of storing(cloud, flatSecret(index), token)) await send(port, request);
    }
  } catch (error) {
    await child?.stop();
    throw error;
  }
  const served = SCENARIOS[cloud].filter(
    (name) => name !== GRPC_SCENARIO || grpcPort !== undefined,
  );
  return {
    name: `${cloud} emulator`,
    port,
    grpcPort,
    child,
    serves: (name) => served.includes(name),
    keepsBulk: false,
    input: { ...NO_LOGINS, accessKey: cloud === 'aws' ? ANY_KEY : NO_KEY, token },
    firstAnswerMs: undefined,
    readyMs: undefined,
    stop: async () => {
      await child?.stop();
    },
  };
}

function storing(cloud: Cloud, name: string, token: string): readonly Buffer[] {
  const value = JSON.stringify(SECRET);
  if (cloud === 'aws') return [awsCreate(name, value, ANY_KEY)];
  return cloud === 'azure' ? [azureSet(name, value, token)] : googleCreate(name, value, token);
}

async function send(port: number, request: Buffer): Promise<void> {
  const connection = new Connection(port);
  try {
    const { status, bytes } = await connection.send(request);
    if (status >= 300) throw new Error(`the emulator refused: ${bytes.toString().slice(0, 500)}`);
  } finally {
    connection.close();
  }
}

/** Waits until something answers, whatever it says. */
async function answers(port: number, child: Child | undefined): Promise<void> {
  const deadline = performance.now() + STARTED_WITHIN_MS;
  while (performance.now() < deadline) {
    if (child?.exit !== undefined) throw new Error(`the emulator ended: ${child.output}`);
    const connection = new Connection(port);
    try {
      await connection.send(Buffer.from('GET / HTTP/1.1\r\nHost: bench\r\n\r\n'));
      return;
    } catch {
      await delay(POLL_MS);
    } finally {
      connection.close();
    }
  }
  throw new Error(`the emulator does not answer: ${child?.output ?? ''}`);
}
