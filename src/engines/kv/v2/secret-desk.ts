/** Runs the tasks of facades (model/tasks/secret-task.ts) on the secrets of a mount, inside the request's transaction. */
import { after } from '../../../base/awaitable.ts';
import type { Awaitable } from '../../../base/awaitable.ts';
import { RequestError } from '../../../model/errors.ts';
import type { Handler } from '../../../model/backend.ts';
import type { Request } from '../../../model/request.ts';
import type {
  ReminderPlan,
  RotationPlan,
  RotationState,
} from '../../../model/tasks/secret-task.ts';
import { endRotation } from '../rotation/record.ts';
import { noteChange } from '../functions/changes.ts';
import { findFunction } from '../functions/functions.ts';
import { putReminder } from '../functions/notices.ts';
import { planRotation, rotationState } from '../functions/rotation.ts';
import type { ListDesk, SecretDesk, SecretTask } from '../../../model/tasks/secret-task.ts';
import type { NewVersion, Placement, Secret, Version } from '../../../model/secret.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { pageBelow } from '../secret/listing.ts';
import { purgeDue, scheduleForPurge } from '../secret/purge.ts';
import type { SecretRecord } from '../secret/record.ts';
import { emptySecret, isPurged, servedNumber } from '../secret/secret.ts';
import {
  assertSecretPath,
  destroyValues,
  loadSecret,
  loadSecrets,
  removeSecret,
  saveSecret,
  serveVersion,
  valueOf,
  writeVersion,
} from '../secret/secret-store.ts';
import { loadMountSettings } from './mount-settings.ts';
import type { Reply } from '../../../model/reply.ts';

/** Secrets that one page may look at. */
const PAGE_MAX = 1_000;
/** Secrets read at a time: each brings its current value along. */
const READ_AT_ONCE = 100;
const NO_VALUE: Buffer = Buffer.alloc(0);
const WRITING: ReadonlySet<Request['operation']> = new Set(['create', 'update', 'patch', 'delete']);

interface PathField {
  readonly path?: string | undefined;
}

/** `handler`, unless the request brings a task of a facade: then that. */
export function tasked<V extends PathField>(
  handler: Handler<Transaction, V>,
): Handler<Transaction, V> {
  return (request, store) =>
    request.task === undefined ? handler(request, store) : run(request, request.task, store);
}

function run(
  request: Request<PathField>,
  task: SecretTask,
  store: Transaction,
): Awaitable<Reply | undefined> {
  const { operation } = request;
  if (operation === 'scan' || operation === 'list') {
    if (task.list === undefined) throw noSecrets();
    return task.list(listDesk(request, store));
  }
  const { secret } = task;
  if (secret === undefined) throw noSecrets();
  const path = request.fields.path ?? '';
  return after(loadSecret(store, path), (record) => {
    const desk = new Desk(request, store, record);
    const reply = secret(desk);
    if (!WRITING.has(operation)) return reply;
    return after(reply, async (told) => {
      if (desk.removed) await endRotation(store, path);
      noteChange(request, store, path, record?.secret, desk.secret);
      await purgeDue(request, store);
      return told;
    });
  });
}

/** The binding leads to the wrong mount. */
function noSecrets(): RequestError {
  return new RequestError('unsupported_operation', 'the mount keeps secrets, nothing else', {
    reason: 'not_versioned',
  });
}

function listDesk(request: Request<PathField>, store: Transaction): ListDesk {
  const { nowMs, principal } = request;
  const sent = request.fields.path ?? '';
  const folder = sent === '' || sent.endsWith('/') ? sent : `${sent}/`;
  return {
    nowMs,
    requestId: request.id,
    principal,
    callerName: request.callerName,
    retention: request.retention,
    async page(last, limit) {
      const wanted = Math.min(limit, PAGE_MAX);
      const paths = await pageBelow(store, folder, last, wanted);
      const secrets: { readonly path: string; readonly secret: Secret }[] = [];
      for (let start = 0; start < paths.length; start += READ_AT_ONCE) {
        const some = paths.slice(start, start + READ_AT_ONCE);
        const found = await loadSecrets(
          store,
          some.map((path) => folder + path),
        );
        for (const [index, path] of some.entries()) {
          const secret = found[index];
          if (secret !== undefined && !isPurged(secret, nowMs)) secrets.push({ path, secret });
        }
      }
      return { secrets, next: paths.length < wanted ? undefined : paths.at(-1) };
    },
  };
}

/** Clients of the clouds’ APIs count on versions that nobody takes away: of the secrets that they make, so many stay. */
const CLOUD_VERSIONS_KEPT = 100;

class Desk implements SecretDesk {
  readonly path: string;
  readonly nowMs: number;
  readonly requestId: string;
  readonly principal: SecretDesk['principal'];
  readonly callerName: string | undefined;
  readonly retention: SecretDesk['retention'];
  /** What was here is gone, whether another one has been written or not. */
  removed = false;
  readonly #store: Transaction;
  readonly #writing: boolean;
  readonly #schedule: Request['schedule'];
  #record: SecretRecord | undefined;

  constructor(request: Request<PathField>, store: Transaction, record: SecretRecord | undefined) {
    this.path = request.fields.path ?? '';
    this.nowMs = request.nowMs;
    this.requestId = request.id;
    this.principal = request.principal;
    this.callerName = request.callerName;
    this.retention = request.retention;
    this.#store = store;
    this.#writing = WRITING.has(request.operation);
    this.#schedule = request.schedule;
    this.#record = record;
    if (record === undefined || !isPurged(record.secret, this.nowMs)) return;
    this.#record = undefined;
    if (this.#writing) this.#forget(record.secret);
  }

  get secret(): Secret | undefined {
    return this.#record?.secret;
  }

  async rotation(): Promise<RotationState | undefined> {
    return await rotationState(this.#store, this.path);
  }

  async planRotation(plan: RotationPlan | undefined): Promise<void> {
    this.#assertWriting();
    const change = await planRotation(this.#store, this.path, plan, this.#schedule, this.nowMs);
    this.change(change);
  }

  async unknownFunctions(names: readonly string[]): Promise<readonly string[]> {
    const found = await Promise.all(names.map((name) => findFunction(this.#store, name)));
    return names.filter((_name, index) => found[index] === undefined);
  }

  planReminder(plan: ReminderPlan | undefined): void {
    this.#assertWriting();
    const { createdMs } = this.#existing().secret;
    putReminder(this.#store, this.path, plan, createdMs, this.#schedule);
  }

  value(number: number): Awaitable<Buffer> {
    return valueOf(this.#store, this.path, this.#existing(), number);
  }

  create(): Secret {
    this.#assertWriting();
    if (this.#record !== undefined) throw new Error('the secret exists already');
    assertSecretPath(this.path);
    const secret = { ...emptySecret(this.nowMs), maxVersions: CLOUD_VERSIONS_KEPT };
    return this.#save({ secret, value: NO_VALUE });
  }

  async addVersion(
    value: Buffer,
    fresh: Partial<NewVersion>,
    placement?: Placement,
  ): Promise<{ readonly secret: Secret; readonly version: Version }> {
    this.#assertWriting();
    const before = this.#existing();
    const settings = await loadMountSettings(this.#store);
    const version = { id: this.requestId, ...fresh };
    const written = writeVersion(
      this.#store,
      this.path,
      before,
      version,
      value,
      settings,
      this.nowMs,
      placement,
    );
    const served = servedNumber(written.secret) === written.version.number;
    this.#record = { secret: written.secret, value: served ? value : before.value };
    return written;
  }

  change(change: (secret: Secret) => Secret): Secret {
    this.#assertWriting();
    const { secret: before, value } = this.#existing();
    const { newest, served, oldest, createdMs } = before;
    // What the values in the store go by stays as it is, whatever the task returns.
    const { served: _served, ...changed } = change(before);
    const numbers = new Set(before.versions.map((version) => version.number));
    if (
      changed.versions.length !== numbers.size ||
      changed.versions.some((version) => !numbers.has(version.number))
    ) {
      throw new Error('a task changed which versions there are');
    }
    const secret: Secret = {
      ...changed,
      newest,
      oldest,
      createdMs,
      updatedMs: this.nowMs,
      ...(served === undefined ? {} : { served }),
    };
    scheduleForPurge(this.#store, this.path, before, secret);
    return this.#save({ secret, value });
  }

  async serve(number: number): Promise<Secret> {
    this.#assertWriting();
    return this.#save(await serveVersion(this.#store, this.path, this.#existing(), number));
  }

  destroy(numbers: readonly number[]): Secret {
    this.#assertWriting();
    this.#record = destroyValues(this.#store, this.path, this.#existing(), numbers);
    return this.#record.secret;
  }

  remove(): void {
    this.#assertWriting();
    const { secret } = this.#existing();
    scheduleForPurge(this.#store, this.path, secret, undefined);
    this.#forget(secret);
    this.#record = undefined;
  }

  #forget(secret: Secret): void {
    removeSecret(this.#store, this.path, secret);
    this.removed = true;
  }

  #save(record: SecretRecord): Secret {
    saveSecret(this.#store, this.path, record);
    this.#record = record;
    return record.secret;
  }

  #existing(): SecretRecord {
    if (this.#record === undefined) throw new Error('there is no secret');
    return this.#record;
  }

  #assertWriting(): void {
    if (!this.#writing) throw new Error('a task of a reading request writes');
  }
}
