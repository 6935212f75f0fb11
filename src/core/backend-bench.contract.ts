/**
 * Runs a backend's own paths in a test: a request goes through path matching, field parsing and the existence check, and its
 * handler works on a real barrier over a store in memory, in one unit that is committed.
 */
import { openBarrier } from '../barrier/barrier-fixture.ts';
import { uuid } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import type { JsonObject } from '../base/json.ts';
import type { Backend } from '../model/backend.ts';
import { RequestError } from '../model/errors.ts';
import type { Connection, MountRef, Operation, Request } from '../model/request.ts';
import type { Transaction, Unit } from '../model/transaction.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { fieldWarnings, parseFields } from './declared/fields.ts';
import { matchPath } from './declared/paths.ts';
import type { NamespaceRef, Principal } from '../model/principal.ts';
import type { Reply } from '../model/reply.ts';

export interface CallOptions {
  /** Headers that the mount lets through, lower-cased. */
  readonly headers?: Request['headers'];
  readonly principal?: Principal;
  readonly namespace?: NamespaceRef;
  /** Query beside a body. */
  readonly query?: JsonObject;
  readonly mount?: Partial<MountRef>;
  readonly connection?: Connection;
}

/** A write is `create` or `update` as the path's existence check says. */
export type BenchOperation = 'write' | Exclude<Operation, 'create' | 'update'>;

export interface Bench {
  /** Milliseconds since the epoch that handlers see; a test may move it. */
  nowMs: number;
  /** What the calls have put on the calendar. */
  readonly scheduled: { readonly task: string; readonly name: string; readonly atMs: number }[];
  /** What they intended outside. */
  readonly intended: { readonly kind: string; readonly data: JsonObject }[];
  call(
    operation: BenchOperation,
    path: string,
    data?: JsonObject,
    options?: CallOptions,
  ): Promise<Reply | undefined>;
  /** The error that a call ends with. */
  fail(
    operation: BenchOperation,
    path: string,
    data?: JsonObject,
    options?: CallOptions,
  ): Promise<RequestError>;
  /** Runs in a unit that is then committed. */
  inUnit<T>(action: (unit: Unit) => Promise<T>): Promise<T>;
  /** Reads and writes of the mount's storage, committed together. */
  store<T>(action: (store: Transaction) => Promise<T>): Promise<T>;
}

const ROOT: NamespaceRef = { id: 'root', path: '' };
const MOUNT_PREFIX = 'mount/bench/';
/** An intent of a call that always comes to its end. */
const UNDONE = { withdraw: (): void => {} };

/** The same bytes in every run. */
function countingRandom(): Random {
  let count = 0;
  return {
    bytes(length) {
      const bytes = Buffer.alloc(length);
      // No two words alike: one call may make several ids.
      for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32BE(++count, at);
      return bytes;
    },
  };
}

type Benched = Backend | (Backend<Unit> & { readonly scope: 'unit' });

/**
 * A bench for an engine or auth method, or with `scope: 'unit'` for a part of the core. One that needs units of its own is
 * made by a function of what begins them.
 */
export async function openBench(
  made: Benched | ((begin: () => Unit) => Benched),
  storage: Storage = createMemoryStorage(),
): Promise<Bench> {
  const { barrier } = await openBarrier(storage);
  const backend = typeof made === 'function' ? made(() => barrier.begin()) : made;
  const random = countingRandom();
  const wholeUnit = 'scope' in backend;

  async function inUnit<T>(action: (unit: Unit) => Promise<T>): Promise<T> {
    const unit = barrier.begin();
    const result = await action(unit);
    await unit.commit();
    return result;
  }

  async function intend(kind: string, data: JsonObject): Promise<typeof UNDONE> {
    bench.intended.push({ kind, data });
    return UNDONE;
  }

  async function call(
    operation: BenchOperation,
    path: string,
    data: JsonObject = {},
    options: CallOptions = {},
  ): Promise<Reply | undefined> {
    const match = matchPath(backend as Backend, path);
    if (match === undefined) throw new RequestError('not_found', 'unsupported path');
    const writes = operation === 'write';
    const parsed = parseFields(match.path.fields, match.params, data, {
      write: writes,
      absent: match.absent,
      ...(options.query === undefined ? {} : { query: options.query }),
    });
    const request: Request<never> = {
      id: uuid(random),
      operation: writes ? 'update' : operation,
      namespace: options.namespace ?? ROOT,
      mount: {
        path: 'bench/',
        type: backend.type,
        accessor: `${backend.type}_bench`,
        uuid: 'bench',
        options: null,
        defaultLeaseTtlSeconds: 2_764_800,
        maxLeaseTtlSeconds: 2_764_800,
        config: {},
        ...options.mount,
      },
      path,
      fields: parsed.values as never,
      data,
      principal: options.principal,
      connection: options.connection ?? {
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        clientCertificates: [],
        local: false,
      },
      headers: options.headers ?? {},
      nowMs: bench.nowMs,
      wrapTtlSeconds: 0,
      sudo: false,
      outside: { lend: async () => UNDONE, intend },
      schedule: (task, name, atMs) => bench.scheduled.push({ task, name, atMs }),
    };
    return inUnit(async (unit) => {
      const store = (wholeUnit ? unit : unit.view('root', MOUNT_PREFIX)) as Transaction;
      const exists = writes && (await match.path.exists?.(request, store));
      const name = !writes ? operation : exists === false ? 'create' : 'update';
      const { operations } = match.path;
      const spec =
        name === 'create'
          ? (operations.create ?? operations.update)
          : name === 'update'
            ? (operations.update ?? operations.create)
            : operations[name as 'read'];
      if (spec === undefined) {
        throw new RequestError('unsupported_operation', 'unsupported operation');
      }
      const reply = await spec.handler({ ...request, operation: name }, store);
      if (reply === undefined) return undefined;
      const warnings = [...(reply.warnings ?? []), ...fieldWarnings(parsed)];
      return warnings.length === 0 ? reply : { ...reply, warnings };
    });
  }

  const bench: Bench = {
    nowMs: 1_800_000_000_000,
    scheduled: [],
    intended: [],
    call,
    async fail(...args) {
      try {
        await call(...args);
      } catch (error) {
        if (error instanceof RequestError) return error;
        throw error;
      }
      throw new Error(`${args[0]} ${args[1]} was expected to fail`);
    },
    inUnit,
    store: (action) => inUnit((unit) => action(unit.view('root', MOUNT_PREFIX))),
  };
  return bench;
}
