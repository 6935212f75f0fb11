/** Starts a Strongroom or an OpenBao on loopback with an auto-unseal key and a file audit device, and initialises it once. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Api, textAt } from './api.ts';
import { Child, freePort } from './child.ts';

/** The program under test: a folder of settings decides where it keeps its data. */
export interface Program {
  readonly name: 'strongroom' | 'openbao';
  readonly executable: string;
  /** The storage block of its configuration, and what else only it needs. */
  storage(folder: string): string;
  /** Options of its audit device beside the file. */
  readonly auditOptions: string;
}

export const strongroom: Program = {
  name: 'strongroom',
  executable: fileURLToPath(new URL('../bin/strongroom', import.meta.url)),
  storage: (folder) => `storage "sqlite" { path = "${join(folder, 'data')}" }`,
  // What is tried here is no promise about time, and the disk may be busy with other work.
  auditOptions: 'deadline = "30s"',
};

export function openbao(executable: string): Program {
  return {
    name: 'openbao',
    executable,
    auditOptions: '',
    storage: (folder) => {
      mkdirSync(join(folder, 'raft'), { recursive: true });
      return `storage "raft" { path = "${join(folder, 'raft')}" node_id = "one" }\ndisable_mlock = true`;
    },
  };
}

export interface VaultServerOptions {
  readonly folder: string;
  /** PEM files of the server, for TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly ca: string };
  /** `static` (the default) opens itself and is initialised here; `shamir` stays as it is: not initialised at first. */
  readonly seal?: 'static' | 'shamir';
  /** Further lines for the configuration. */
  readonly settings?: string;
  /** Runs the program under another one (`strace …`). */
  readonly wrapper?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: `audit.log` in the folder. */
  readonly auditFile?: string;
  /** Where clients reach it, when that is not its own listener: its `api_addr`. */
  readonly publicAddress?: string;
  /** Resolves with the first answer, whatever it says, instead of when the server is ready. */
  readonly evenIfSealed?: boolean;
}

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 5;
const READY_STATUS = 200;
const UNINITIALIZED_STATUS = 501;

export interface VaultServer {
  readonly program: Program;
  readonly child: Child;
  readonly api: Api;
  readonly rootToken: string;
  readonly folder: string;
  readonly auditFile: string;
  /** From the start of the process to the first answer, and to the first answer that says ready. */
  readonly firstAnswerMs: number;
  readonly readyMs: number;
}

/** How often a port that was free is taken by somebody else before the server has it. */
const STARTS_MAX = 3;

/** Starts the program on `folder`, which keeps everything between starts, and resolves when it is ready to serve. */
export async function startVaultServer(
  program: Program,
  options: VaultServerOptions,
): Promise<VaultServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(program, options);
    } catch (error) {
      if (attempt === STARTS_MAX || !String(error).includes('EADDRINUSE')) throw error;
    }
  }
}

async function startOnce(program: Program, options: VaultServerOptions): Promise<VaultServer> {
  const { folder } = options;
  const port = await freePort();
  const address = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const auditFile = options.auditFile ?? join(folder, 'audit.log');
  const configFile = join(folder, 'server.hcl');
  writeFileSync(configFile, configuration(program, options, address, auditFile));
  const start = performance.now();
  const child = new Child(
    [...(options.wrapper ?? []), program.executable, 'server', `-config=${configFile}`],
    options.environment === undefined ? {} : { env: options.environment },
  );
  const api = new Api(address, options.tls === undefined ? {} : { ca: options.tls.ca });
  try {
    const first = await answered(api, child, () => true);
    const firstAnswerMs = performance.now() - start;
    const serve = options.seal !== 'shamir';
    if (serve && first === UNINITIALIZED_STATUS) await initialize(api, folder);
    if (serve && options.evenIfSealed !== true) {
      await answered(api, child, (status) => status === READY_STATUS);
    }
    const readyMs = performance.now() - start;
    const rootToken = serve ? readFileSync(join(folder, 'root-token'), 'utf8') : '';
    return { program, child, api, rootToken, folder, auditFile, firstAnswerMs, readyMs };
  } catch (error) {
    await child.kill();
    api.close();
    throw error;
  }
}

function configuration(
  program: Program,
  options: VaultServerOptions,
  address: string,
  auditFile: string,
): string {
  const { folder, tls } = options;
  const keyFile = join(folder, 'unseal.key');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(keyFile)) writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const { host, port } = new URL(address);
  const certificate =
    tls === undefined
      ? 'tls_disable = true'
      : `tls_cert_file = "${tls.certFile}"\n  tls_key_file = "${tls.keyFile}"`;
  const seal =
    options.seal === 'shamir'
      ? ''
      : `seal "static" {\n  current_key_id = "rig"\n  current_key = "file://${keyFile}"\n}`;
  return `${program.storage(folder)}
listener "tcp" {
  address = "${host}"
  ${certificate}
}
${seal}
audit "file" "main" {
  options {
    file_path = "${auditFile}"
    ${program.auditOptions}
  }
}
api_addr = "${options.publicAddress ?? address}"
cluster_addr = "https://127.0.0.1:${Number(port) + 1}"
log_level = "warn"
${options.settings ?? ''}
`;
}

async function answered(
  api: Api,
  child: Child,
  enough: (status: number) => boolean,
): Promise<number> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let last = 'no answer';
  while (performance.now() < deadline) {
    if (child.exit !== undefined) {
      throw new Error(`the server ended (${JSON.stringify(child.exit)}):\n${child.output}`);
    }
    try {
      const { status } = await api.call('GET', 'sys/health', { timeoutMs: 2_000 });
      if (enough(status)) return status;
      last = `status ${status}`;
    } catch (error) {
      last = String(error);
    }
    await delay(POLL_MS);
  }
  throw new Error(`the server was not ready in time (${last}):\n${child.output}`);
}

async function initialize(api: Api, folder: string): Promise<void> {
  const shares = { recovery_shares: 1, recovery_threshold: 1 };
  const answer = await api.expect('PUT', 'sys/init', { body: shares });
  writeFileSync(join(folder, 'root-token'), textAt(answer, 'root_token'), { mode: 0o600 });
}
