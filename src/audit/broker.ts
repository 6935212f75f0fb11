/**
 * Hands every request and reply to the audit devices and says when they have it. Every required device must take a record,
 * within its deadline; when none is required, one of the others must. With no device at all requests are served, as in Vault.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { uuid } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { invalidRequest } from '../model/errors.ts';
import { createBootSigner } from './checkpoint.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import { parseCommonOptions } from './device.ts';
import type { AuditDeviceType, CommonOptions, DeviceContext } from './device.ts';
import { exporting } from './exporting.ts';
import type { Exporters } from './exporting.ts';
import { auditFailed } from './group.ts';
import type { GroupCounts, RecordKind } from './group.ts';
import { AuditLog } from './log.ts';
import type { AuditedHeaders, ReplyEntry, RequestEntry } from './record.ts';
import { Renderer } from './render.ts';
import { assertDevicePath, identityOf, overlap, shownSpec } from './spec.ts';
import type { AuditAnchor, AuditDeviceSpec, AuditHealth, ShownDeviceSpec } from './spec.ts';

export type { AuditAnchor, AuditDeviceSpec } from './spec.ts';

/** Most devices at once. */
export const AUDIT_DEVICES_MAX = 16;

/** What lies behind the barrier. */
export interface AuditKeys {
  /** The hashing key (32 bytes) that belongs to a device's salt. The caller's buffer is not kept. */
  deviceKey(salt: string): Uint8Array;
  readonly signer: CheckpointSigner;
  /** Rises with each commit to the store; told by checkpoints, so that a store that was put back is noticed. */
  readonly storePosition?: (() => bigint | undefined) | undefined;
}

export interface AuditMetrics {
  /** Records that a device took, and how long the oldest of them waited. */
  written(devicePath: string, counts: GroupCounts, elapsedMs: number): void;
  /** Records that a device refused, or did not take in time. */
  failed(devicePath: string, counts: GroupCounts): void;
}

export interface AuditBrokerOptions {
  readonly types: readonly AuditDeviceType[];
  /** `<cluster>/<node>`. */
  readonly origin: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly devices: Omit<DeviceContext, 'clock' | 'log'>;
  readonly metrics?: AuditMetrics | undefined;
  /** Formats beside the native one that a device's option `format` may name. */
  readonly exporters?: Exporters | undefined;
  /** How a log waits for the records of the same turn before it writes; `setImmediate` without it. */
  readonly soon?: ((action: () => void) => void) | undefined;
}

interface Slot {
  readonly spec: AuditDeviceSpec;
  readonly options: CommonOptions;
  readonly log: AuditLog;
  renderer: Renderer;
}

const DONE: Promise<void> = Promise.resolve();
const NO_EXPORTERS: Exporters = new Map();

export class AuditBroker {
  readonly #options: AuditBrokerOptions;
  readonly #clock: Clock;
  readonly #bootSigner: CheckpointSigner;
  #slots: readonly Slot[] = [];
  #keys: AuditKeys | undefined;
  #headers: AuditedHeaders = new Map();
  #timeMs = Number.NaN;
  #timeText = '';

  constructor(options: AuditBrokerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#bootSigner = createBootSigner(options.random);
  }

  /**
   * Records a request. Append first, run the handler meanwhile if it only reads, then await this and the reply's promise
   * together: both records share one write.
   * @throws {RequestError} `audit_failed`: the request must not be served.
   */
  request(entry: RequestEntry): Promise<void> {
    return this.#record('request', (renderer, time) => renderer.request(entry, time));
  }

  /**
   * Records a reply, before its first byte leaves.
   * @throws {RequestError} `audit_failed`: nothing of the reply may be released.
   */
  reply(entry: ReplyEntry): Promise<void> {
    return this.#record('response', (renderer, time) => renderer.reply(entry, time));
  }

  /** The hash that stands for `text` in the log of the device at `path`. @throws {RequestError} */
  hash(path: string, text: string): string {
    const slot = this.#slots.find((candidate) => candidate.spec.path === path);
    if (slot === undefined)
      throw invalidRequest('unknown audit backend: there is no audit device at this path');
    return slot.renderer.hash(text);
  }

  /** Devices in service. Options that hold credentials are masked. */
  list(): readonly ShownDeviceSpec[] {
    return this.#slots.map(({ spec }) => shownSpec(spec, this.#typeOf(spec.type)));
  }

  get health(): AuditHealth {
    const devices = this.#slots.map(({ spec, options, log }) => ({
      path: spec.path,
      state: log.state,
      required: options.required,
      waitingRecords: log.waitingRecords,
      droppedRecords: log.dropped,
    }));
    const required = devices.filter((device) => device.required);
    const degraded =
      required.length > 0
        ? required.some((device) => device.state !== 'ok')
        : devices.length > 0 && devices.every((device) => device.state !== 'ok');
    return { degraded, devices };
  }

  /** What vouches for each device's log: known elsewhere, they prove that a log is whole and unchanged. */
  anchors(): readonly AuditAnchor[] {
    return this.#slots.map(({ spec, log }) => ({
      path: spec.path,
      publicKey: log.publicKey.toString('base64'),
      startedAt: log.startedAt,
      foundCheckpoint: log.foundCheckpoint,
      checkpoint: log.checkpoint,
    }));
  }

  /**
   * Checks a device and takes it into service: from the next record on it gets all of them. Does nothing when just this
   * device is in service.
   * @param test false: it is taken into service even if it cannot take records yet.
   * @throws {RequestError} `invalid_request` when it is not acceptable or does not take a test record.
   */
  async enable(spec: AuditDeviceSpec, test = true): Promise<void> {
    const identity = identityOf(spec);
    if (this.#slots.some((slot) => identityOf(slot.spec) === identity)) return;
    const { path } = spec;
    this.#checkPath(path);
    const type = this.#typeOf(spec.type);
    if (type === undefined) throw invalidRequest('there is no such type of audit device');
    const options = parseCommonOptions(type, spec.options);
    const log = this.#options.log.named('audit');
    const context: DeviceContext = { ...this.#options.devices, clock: this.#clock, log };
    const { metrics, exporters = NO_EXPORTERS } = this.#options;
    const device = exporting(await type.open(spec.options, context), options.format, exporters);
    const auditLog = new AuditLog({
      device,
      origin: `${this.#options.origin}/${path.slice(0, -1)}`,
      clock: this.#clock,
      log,
      deadlineMs: options.deadlineMs,
      keepReplies: options.required,
      signer: this.#keys?.signer ?? this.#bootSigner,
      storePosition: () => this.#keys?.storePosition?.(),
      soon: this.#options.soon,
      onWritten: (counts, elapsedMs) => metrics?.written(path, counts, elapsedMs),
      onFailure: (counts) => metrics?.failed(path, counts),
    });
    const slot: Slot = { spec, options, log: auditLog, renderer: this.#renderer(spec, options) };
    try {
      if (test && !options.skipTest)
        await auditLog.append(this.#testRecord(slot.renderer), 'request');
    } catch (error) {
      await auditLog.close().catch(() => {});
      throw invalidRequest('audit device failed its test record', { cause: error });
    }
    try {
      // Another call may have taken the path meanwhile.
      this.#checkPath(path);
    } catch (error) {
      await auditLog.close();
      throw error;
    }
    this.#slots = [...this.#slots, slot];
    log.info('audit device enabled', { path, type: spec.type });
  }

  /** Takes a device out of service and closes its log. False when there is none at `path`. */
  async disable(path: string): Promise<boolean> {
    const slot = this.#slots.find((candidate) => candidate.spec.path === path);
    if (slot === undefined) return false;
    this.#slots = this.#slots.filter((candidate) => candidate !== slot);
    await slot.log.close();
    slot.renderer.destroy();
    this.#options.log.named('audit').info('audit device disabled', { path });
    return true;
  }

  /**
   * Makes the devices what `specs` says: at the start, after unsealing, and when another replica changed them. A declared
   * device must take its test record; a stored one serves again as it is, and degrades the health if it cannot.
   */
  async reconcile(specs: readonly AuditDeviceSpec[]): Promise<void> {
    const wanted = new Map(specs.map((spec) => [identityOf(spec), spec]));
    for (const { spec } of this.#slots) {
      if (!wanted.delete(identityOf(spec))) await this.disable(spec.path);
    }
    for (const spec of wanted.values()) {
      if (
        !spec.declared &&
        this.#slots.some((slot) => slot.spec.declared && overlap(slot.spec, spec))
      ) {
        const { path } = spec;
        this.#options.log.named('audit').warn('a declared audit device takes its place', { path });
        continue;
      }
      await this.enable(spec, spec.declared);
    }
  }

  /** After unsealing: hash with the devices' own keys, sign with the log's key. */
  unsealed(keys: AuditKeys): void {
    this.#keys = keys;
    for (const slot of this.#slots) {
      this.#renew(slot);
      slot.log.useSigner(keys.signer);
    }
  }

  /** Before sealing: forget the keys. What is recorded while sealed is hashed and signed with keys of this process. */
  sealed(): void {
    this.#keys = undefined;
    for (const slot of this.#slots) {
      this.#renew(slot);
      slot.log.useSigner(this.#bootSigner);
    }
  }

  /** Which request headers are recorded. */
  useHeaders(headers: AuditedHeaders): void {
    this.#headers = headers;
    for (const { renderer } of this.#slots) renderer.headers = headers;
  }

  /** Log rotation (SIGHUP): all devices open anew. */
  async reopen(): Promise<void> {
    const done = await Promise.allSettled(this.#slots.map(({ log }) => log.reopen()));
    for (const result of done) {
      if (result.status === 'rejected') {
        this.#options.log.named('audit').error('audit device could not be opened anew');
      }
    }
  }

  /** Writes what waits and closes all devices. */
  async close(): Promise<void> {
    const slots = this.#slots;
    this.#slots = [];
    await Promise.allSettled(slots.map(({ log }) => log.close()));
    for (const { renderer } of slots) renderer.destroy();
  }

  #record(kind: RecordKind, render: (renderer: Renderer, time: string) => string): Promise<void> {
    const slots = this.#slots;
    if (slots.length === 0) return DONE;
    const time = this.#time();
    const taken: Promise<void>[] = [];
    const required: Promise<void>[] = [];
    for (const slot of slots) {
      let promise: Promise<void>;
      try {
        promise = slot.log.append(render(slot.renderer, time), kind);
      } catch (error) {
        promise = Promise.reject(auditFailed('a record could not be rendered', error));
        promise.catch(() => {});
      }
      if (slots.length === 1) return promise;
      taken.push(promise);
      if (slot.options.required) required.push(promise);
    }
    const enough =
      required.length > 0
        ? Promise.all(required).then(() => undefined)
        : Promise.any(taken).catch((error: unknown) => {
            throw auditFailed('no audit device took the record', error);
          });
    enough.catch(() => {});
    return enough;
  }

  /** Hashes with other keys from now on. */
  #renew(slot: Slot): void {
    const before = slot.renderer;
    slot.renderer = this.#renderer(slot.spec, slot.options);
    before.destroy();
  }

  #renderer(spec: AuditDeviceSpec, options: CommonOptions): Renderer {
    const key = this.#keys?.deviceKey(spec.salt) ?? this.#options.random.bytes(32);
    const renderer = new Renderer(key, options);
    renderer.headers = this.#headers;
    return renderer;
  }

  #testRecord(renderer: Renderer): string {
    const entry: RequestEntry = {
      id: uuid(this.#options.random),
      protocol: 'vault',
      operation: 'update',
      namespace: { id: 'root', path: '' },
      path: 'sys/audit/test',
    };
    return renderer.request(entry, this.#time());
  }

  #typeOf(type: string): AuditDeviceType | undefined {
    return this.#options.types.find((candidate) => candidate.type === type);
  }

  #checkPath(path: string): void {
    assertDevicePath(path);
    if (this.#slots.length >= AUDIT_DEVICES_MAX) throw invalidRequest('too many audit devices');
    for (const { spec } of this.#slots) {
      if (overlap(spec, { path })) {
        throw invalidRequest('path already in use');
      }
    }
  }

  #time(): string {
    const nowMs = this.#clock.nowMs();
    if (nowMs !== this.#timeMs) {
      this.#timeMs = nowMs;
      this.#timeText = new Date(nowMs).toISOString();
    }
    return this.#timeText;
  }
}
