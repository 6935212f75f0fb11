/** The server under attack: a whole instance with a file audit device behind real listeners, and eyes on all that it writes. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditBroker } from '../src/audit/broker.ts';
import { fileDevice } from '../src/audit/file/file.ts';
import { systemClock } from '../src/base/clock.ts';
import type { JsonObject } from '../src/base/json.ts';
import { systemRandom } from '../src/base/random.ts';
import type { World } from '../src/base/world.ts';
import { makeDevCertificates } from '../src/crypto/x509/dev-certificates.ts';
import type { CertificatePem } from '../src/crypto/x509/dev-certificates.ts';
import { createVaultFacade } from '../src/facades/vault/vault-facade.ts';
import type { ListenerLimits } from '../src/http/limits.ts';
import { Listener } from '../src/http/listener.ts';
import type { ListenerOptions } from '../src/http/listener-options.ts';
import { createShamirSeal } from '../src/seal/shamir/shamir-seal.ts';
import { mountSecret } from '../src/server/start/dev-mode.ts';
import { Instance } from '../src/server/instance.ts';
import { LogRegistry } from '../src/base/log-lines.ts';
import { startMonitoring } from '../src/server/monitoring.ts';
import { createMemoryStorage } from '../src/storage/memory/memory-storage.ts';
import type { ScannableStorage } from '../src/storage/storage.ts';
import { auditDevice, linesWith, textOf } from './evidence.ts';

export const ROOT_TOKEN = 's.attackedrootattackedroot';
const HOUR_SECONDS = 3600;
const SCAN_PAGE = 1000;
const CLIENT_TIMEOUT_MS = 20_000;

export interface Sending {
  /** The root token unless told otherwise; null sends none. */
  readonly token?: string | null;
  readonly namespace?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

export interface TargetOptions {
  readonly openRekey?: boolean;
  readonly auditCreation?: boolean;
  readonly limits?: Partial<ListenerLimits>;
  readonly bodyBytesMax?: number;
}

export class Target {
  readonly instance: Instance;
  readonly port: number;
  readonly tlsPort: number;
  readonly unsealKey: string;
  readonly folder: string;
  readonly certificates: CertificatePem;
  readonly #storage: ScannableStorage;
  readonly #listeners: readonly Listener[];
  readonly #log: readonly string[];
  readonly #world: World;

  private constructor(parts: {
    instance: Instance;
    ports: readonly [number, number];
    unsealKey: string;
    folder: string;
    certificates: CertificatePem;
    storage: ScannableStorage;
    listeners: readonly Listener[];
    log: readonly string[];
    world: World;
  }) {
    this.instance = parts.instance;
    [this.port, this.tlsPort] = parts.ports;
    this.unsealKey = parts.unsealKey;
    this.folder = parts.folder;
    this.certificates = parts.certificates;
    this.#storage = parts.storage;
    this.#listeners = parts.listeners;
    this.#log = parts.log;
    this.#world = parts.world;
  }

  /** Unsealed, KV version 2 at `secret/`, one plain and one TLS listener, a file audit device, logging at trace level. */
  static async start(options: TargetOptions = {}): Promise<Target> {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-attacked-'));
    const lines: string[] = [];
    const logs = new LogRegistry({
      clock: systemClock,
      format: 'standard',
      level: 'trace',
      write: (line) => lines.push(line),
    });
    const world: World = {
      clock: systemClock,
      random: systemRandom,
      log: logs.root,
      fatal: (reason) => {
        throw new Error(reason);
      },
    };
    const storage = createMemoryStorage();
    const audit = new AuditBroker({
      types: [fileDevice],
      origin: 'attacked/one',
      clock: systemClock,
      random: systemRandom,
      log: logs.root,
      devices: { forbiddenDirectories: [], allowedDirectories: [], stdout: async () => {} },
    });
    const monitoring = startMonitoring({
      world,
      logs,
      feed: logs.feed,
      prefix: 'vault',
      sealed: () => false,
    });
    // A test wants no watch over its process.
    monitoring.stop();
    const instance = await Instance.open({
      world,
      storage,
      storageType: 'inmem',
      seal: createShamirSeal(systemRandom),
      audit,
      auditDevices: [auditDevice('file/', join(folder, 'audit.log'))],
      leaseBounds: { defaultSeconds: HOUR_SECONDS, maxSeconds: HOUR_SECONDS },
      clusterName: undefined,
      apiAddress: () => 'https://vault.example:8200',
      clusterAddress: () => '',
      auditCreationAllowed: options.auditCreation ?? false,
      openRekey: options.openRekey ?? false,
      openRootGeneration: options.openRekey ?? false,
      monitoring,
    });
    const { shares } = await instance.initialize(
      { sharing: { shares: 1, threshold: 1 } },
      ROOT_TOKEN,
    );
    const unsealKey = shares[0]?.toString('base64') ?? '';
    for (const share of shares) await instance.unsealer.submit(share);
    await instance.serve();
    await mountSecret(instance, ROOT_TOKEN, '2');

    const facade = createVaultFacade({
      handle: instance.handle,
      log: logs.root.named('http'),
      cors: instance.cors,
      ...(options.bodyBytesMax === undefined ? {} : { limits: { bytesMax: options.bodyBytesMax } }),
    });
    const certificates = await makeDevCertificates([], world);
    const shared: ListenerOptions = {
      place: { host: '127.0.0.1', port: 0 },
      facade,
      clock: systemClock,
      log: logs.root.named('http'),
      inFlight: monitoring.requests,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    };
    const plain = new Listener(shared);
    const secure = new Listener({
      ...shared,
      tls: {
        load: () => ({
          certificate: Buffer.from(certificates.certificate),
          key: Buffer.from(certificates.key),
        }),
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.3',
        clientCertificates: 'optional',
      },
    });
    const ports = [portOf(await plain.listen()), portOf(await secure.listen())] as const;
    return new Target({
      instance,
      ports,
      unsealKey,
      folder,
      certificates,
      storage,
      listeners: [plain, secure],
      log: lines,
      world,
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close(0)));
    await this.instance.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get world(): World {
    return this.#world;
  }

  get auditFile(): string {
    return join(this.folder, 'audit.log');
  }

  /** All that the audit device has. */
  get auditText(): string {
    return readFileSync(this.auditFile, 'utf8');
  }

  get logText(): string {
    return this.#log.join('');
  }

  /** One request below `/v1/`; `path` goes out as it is. */
  call(method: string, path: string, sending: Sending = {}): Promise<Received> {
    return this.#send(false, method, path, sending);
  }

  callTls(method: string, path: string, sending: Sending = {}): Promise<Received> {
    return this.#send(true, method, path, sending);
  }

  #send(secure: boolean, method: string, path: string, sending: Sending): Promise<Received> {
    const token = sending.token === undefined ? ROOT_TOKEN : sending.token;
    const body =
      sending.raw ?? (sending.body === undefined ? undefined : JSON.stringify(sending.body));
    const options = {
      host: '127.0.0.1',
      port: secure ? this.tlsPort : this.port,
      method,
      path: `/v1/${path}`,
      timeout: CLIENT_TIMEOUT_MS,
      ...(secure ? { ca: this.certificates.authority } : {}),
      headers: {
        ...(token === null ? {} : { 'X-Vault-Token': token }),
        ...(sending.namespace === undefined ? {} : { 'X-Vault-Namespace': sending.namespace }),
        ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
        ...(method === 'PATCH' ? { 'Content-Type': 'application/merge-patch+json' } : {}),
        ...sending.headers,
      },
    };
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          });
        });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** The data of an answer that must be a success. */
  async expect(method: string, path: string, sending: Sending = {}): Promise<JsonObject> {
    const received = await this.call(method, path, sending);
    assert.ok(
      received.status === 200 || received.status === 204,
      `${method} ${path}: ${received.status} ${received.text}`,
    );
    return received.text === '' ? {} : (JSON.parse(received.text) as JsonObject);
  }

  /** A token that has this policy only. */
  async tokenWith(hcl: string, more: JsonObject = {}, namespace = ''): Promise<string> {
    const name = `p-${this.#policies++}`;
    const inside = namespace === '' ? {} : { namespace };
    await this.expect('PUT', `sys/policies/acl/${name}`, { ...inside, body: { policy: hcl } });
    const { auth } = await this.expect('POST', 'auth/token/create', {
      ...inside,
      body: { policies: [name], no_default_policy: true, ...more },
    });
    return textOf(auth, 'client_token');
  }

  #policies = 0;

  /** Every stored record with its revision: equal before and after means that nothing was written. */
  async state(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (let after: string | undefined; ;) {
      const page = await this.#storage.scan('', after, SCAN_PAGE);
      for (const { key, revision } of page) found.set(key, revision);
      if (page.length < SCAN_PAGE) return found;
      after = page.at(-1)?.key;
    }
  }

  /** Runs `attack`, and demands that it stored nothing. */
  async changesNothing<T>(attack: () => Promise<T>): Promise<T> {
    const before = await this.state();
    const result = await attack();
    assert.deepEqual(await this.state(), before, 'something was written');
    return result;
  }

  /** Demands that a secret stands in none of the answers, the audit log and the server log. */
  assertSecret(secret: string, ...answers: readonly Received[]): void {
    for (const { text, headers } of answers) {
      assert.ok(!text.includes(secret), `the answer repeats the secret: ${text.slice(0, 400)}`);
      assert.ok(!JSON.stringify(headers).includes(secret), 'a header repeats the secret');
    }
    assert.deepEqual(linesWith(this.auditText, secret), [], 'the audit log holds the secret');
    assert.deepEqual(linesWith(this.logText, secret), [], 'the server log holds the secret');
  }
}

function portOf(address: string): number {
  return Number(new URL(address).port);
}
