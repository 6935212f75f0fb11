/** Runs the tasks of facades (model/tasks/key-task.ts) on the keys of a mount, inside the request's transaction. */
import { takingTask } from '../../../model/tasks/taking-task.ts';
import type { KeyObject } from 'node:crypto';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { decodeBase64 } from '../../../base/base64.ts';
import type { Path } from '../../../model/backend.ts';
import { RequestError, invalidRequest } from '../../../model/errors.ts';
import type { KeyChanges, KeyDesk, KeyListDesk, KeyTask } from '../../../model/tasks/key-task.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { findKey, KEYS, putKey, usableVersions } from '../keys/key-record.ts';
import type { KeyRecord, StoredKey } from '../keys/key-record.ts';
import { KEY_TYPES } from '../keys/key-types.ts';
import type { KeyType } from '../keys/key-types.ts';
import type { Moment } from '../keys/make-key.ts';
import {
  createKey,
  emptyRecord,
  findKeyToMake,
  PLAIN_SETTINGS,
  planRotation,
  rotateKey,
} from '../keys/make-key.ts';
import { deleteMaterial, publicKeyText, putMaterial, withMaterial } from '../keys/material.ts';
import type { TransitPorts } from '../ports.ts';
import { addImported } from '../transfer/import.ts';
import { importedPrivate } from '../transfer/imported.ts';
import { decryptRsa, encryptRsa, JwaError, signDigest, verifyDigest } from '../../../crypto/jwa.ts';
import type { Reply } from '../../../model/reply.ts';

/** Keys that one page may look at. */
const PAGE_MAX = 1_000;
/** Patterns whose handlers run tasks. */
const TAKING: ReadonlySet<string> = new Set([
  'keys',
  'keys/{name}',
  'keys/{name}/rotate',
  'keys/{name}/config',
  'keys/{name}/import',
  'keys/{name}/soft-delete',
  'keys/{name}/soft-delete-restore',
  'sign/{name}[/{urlalgorithm..+}]',
  'verify/{name}[/{urlalgorithm..+}]',
  'encrypt/{name}',
  'decrypt/{name}',
  'backup/{name}',
  'restore[/{name..+}]',
]);

/** The path as it is, whose operations run the task that a request brings instead. */
export function takingTasks(path: Path, ports: TransitPorts): Path {
  if (!TAKING.has(path.pattern)) return path;
  return takingTask(path, (request, task, store) => run(request, task, store, ports));
}

/** The binding leads to the wrong mount. */
function noKeys(): RequestError {
  return new RequestError('unsupported_operation', 'the mount keeps keys, nothing else', {
    reason: 'not_versioned',
  });
}

async function run(
  request: Request<{ readonly name?: string }>,
  task: KeyTask,
  store: Transaction,
  ports: TransitPorts,
): Promise<Reply | undefined> {
  if (request.operation === 'list') {
    if (task.keys === undefined) throw noKeys();
    return await task.keys(listDesk(request, store));
  }
  if (task.key === undefined) throw noKeys();
  const name = request.fields.name ?? '';
  // As for a Vault client: a key whose period is over is rotated before it is used or shown.
  const record = await findKeyToMake(store, name, ports, request);
  return await task.key(new Desk(request, store, ports, name, record));
}

function isOver(record: StoredKey, nowMs: number): boolean {
  return record.purgeMs !== undefined && record.purgeMs <= nowMs;
}

function listDesk({ nowMs, retention }: Request<unknown>, store: Transaction): KeyListDesk {
  return {
    nowMs,
    retention,
    async page(after, limit) {
      const wanted = Math.min(limit, PAGE_MAX);
      const names = await store.list(KEYS, {
        limit: wanted,
        ...(after === '' ? {} : { after }),
      });
      const records = await store.getRecords<KeyRecord>(names.map((name) => KEYS + name));
      const keys = names.flatMap((name, index) => {
        const key = records[index];
        return key === undefined || isOver(key, nowMs) ? [] : [{ name, key }];
      });
      return { keys, next: names.length < wanted ? undefined : names.at(-1) };
    },
  };
}

interface Saved {
  readonly record: StoredKey;
  readonly materials: readonly {
    readonly version: number;
    readonly key: string;
    readonly hmac: string;
  }[];
}

class Desk implements KeyDesk {
  readonly nowMs: number;
  readonly principal: KeyDesk['principal'];
  readonly retention: KeyDesk['retention'];
  readonly name: string;
  readonly #store: Transaction;
  readonly #ports: TransitPorts;
  readonly #moment: Moment;
  #record: StoredKey | undefined;

  constructor(
    request: Request<unknown>,
    store: Transaction,
    ports: TransitPorts,
    name: string,
    record: StoredKey | undefined,
  ) {
    this.nowMs = request.nowMs;
    this.principal = request.principal;
    this.retention = request.retention;
    this.name = name;
    this.#store = store;
    this.#ports = ports;
    this.#moment = request;
    this.#record = record;
    if (record === undefined || !isOver(record, this.nowMs)) return;
    if (request.operation !== 'read') this.#delete(record);
    this.#record = undefined;
  }

  get key(): StoredKey | undefined {
    return this.#record;
  }

  async create(typeName: string): Promise<StoredKey> {
    const type = typeOf(typeName);
    return (this.#record = await createKey(
      this.#store,
      this.name,
      type,
      PLAIN_SETTINGS,
      this.#ports,
      this.#moment,
    ));
  }

  async rotate(): Promise<StoredKey> {
    const before = this.#existing();
    return (this.#record = await rotateKey(
      this.#store,
      this.name,
      before,
      this.#ports,
      this.#moment,
    ));
  }

  async import(typeName: string, pkcs8: Buffer, exportable: boolean): Promise<StoredKey> {
    const type = typeOf(typeName);
    const before: KeyRecord | StoredKey = this.#record ?? {
      ...emptyRecord(type, { ...PLAIN_SETTINGS, exportable }),
      allowImportedRotation: true,
    };
    if (before.type !== type.name) throw invalidRequest('the key is of another type');
    const publicKey = publicKeyText(await importedPrivate(type, pkcs8));
    const record = { ...before, imported: true };
    addImported(
      this.#store,
      this.name,
      record,
      { key: pkcs8, publicKey },
      this.#ports,
      this.#moment,
    );
    return await this.#reload();
  }

  async change(changes: KeyChanges): Promise<StoredKey> {
    const { version, ...others } = changes;
    const before = this.#existing();
    const merged: Record<string, unknown> = { ...before, ...others };
    for (const [member, value] of Object.entries(merged)) {
      if (value === undefined) delete merged[member];
    }
    const old = version === undefined ? undefined : before.versions[version.number];
    if (version !== undefined && old !== undefined) {
      const {
        disabled: _d,
        notBeforeMs: _n,
        expiresMs: _e,
        updatedMs: _u,
        tags: _t,
        ...rest
      } = old;
      merged['versions'] = {
        ...before.versions,
        [version.number]: { ...rest, ...version.attributes },
      };
    }
    this.#keep(merged as unknown as KeyRecord);
    return await this.#reload();
  }

  #keep(record: KeyRecord): void {
    putKey(this.#store, this.name, record);
    planRotation(this.#moment, this.name, record);
  }

  remove(): void {
    this.#delete(this.#existing());
    this.#record = undefined;
  }

  async save(): Promise<Buffer> {
    const record = this.#existing();
    const materials: Saved['materials'][number][] = [];
    for (const version of Object.keys(record.versions).map(Number)) {
      materials.push(
        await withMaterial(this.#store, this.name, version, ({ key, hmac }) => ({
          version,
          key: key.toString('base64'),
          hmac: hmac.toString('base64'),
        })),
      );
    }
    return Buffer.from(JSON.stringify({ record, materials }));
  }

  async restore(saved: Buffer): Promise<StoredKey> {
    if (this.#record !== undefined) throw new Error('the key exists already');
    const { record, materials } = JSON.parse(saved.toString()) as Saved;
    for (const { version, key, hmac } of materials) {
      const material = { key: bytesOf(key), hmac: bytesOf(hmac) };
      putMaterial(this.#store, this.name, version, material);
      wipe(material.key);
      wipe(material.hmac);
    }
    this.#keep(record);
    return await this.#reload();
  }

  async sign(...[version, algorithm, digest]: Parameters<KeyDesk['sign']>): Promise<Buffer> {
    const { privateKey } = await this.#keysOf(version);
    const { random } = this.#ports;
    return await answered(() => signDigest(existing(privateKey), algorithm, digest, random));
  }

  async verify(
    ...[version, algorithm, digest, signature]: Parameters<KeyDesk['verify']>
  ): Promise<boolean> {
    const { publicKey } = await this.#keysOf(version);
    return await answered(() => verifyDigest(existing(publicKey), algorithm, digest, signature));
  }

  async encrypt(
    ...[version, algorithm, plaintext]: Parameters<KeyDesk['encrypt']>
  ): Promise<Buffer> {
    const { publicKey } = await this.#keysOf(version);
    return await answered(() => encryptRsa(existing(publicKey), algorithm, plaintext));
  }

  async decrypt(
    ...[version, algorithm, ciphertext]: Parameters<KeyDesk['decrypt']>
  ): Promise<Buffer> {
    const { privateKey } = await this.#keysOf(version);
    return await answered(() => decryptRsa(existing(privateKey), algorithm, ciphertext));
  }

  async #keysOf(version: number): Promise<{
    readonly privateKey: KeyObject | undefined;
    readonly publicKey: KeyObject | undefined;
  }> {
    const record = this.#existing();
    if (record.softDeleted || !usableVersions(record).includes(version)) {
      throw invalidRequest('the version of the key is out of use');
    }
    const ready = await this.#ports.keys.ready(this.#store, this.name, record, version);
    return { privateKey: ready.privateKey, publicKey: ready.publicKey };
  }

  #delete(record: StoredKey): void {
    for (const version of Object.keys(record.versions)) {
      deleteMaterial(this.#store, this.name, Number(version));
    }
    this.#store.delete(KEYS + this.name);
  }

  async #reload(): Promise<StoredKey> {
    this.#record = await findKey(this.#store, this.name);
    return this.#existing();
  }

  #existing(): StoredKey {
    if (this.#record === undefined) throw new Error('there is no key');
    return this.#record;
  }
}

function typeOf(name: string): KeyType {
  const type = KEY_TYPES.get(name);
  if (type === undefined) throw invalidRequest('unknown key type');
  return type;
}

function existing(key: KeyObject | undefined): KeyObject {
  if (key === undefined) throw invalidRequest('the key has no such half');
  return key;
}

/** @throws {RequestError} */
async function answered<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof JwaError ? invalidRequest(error.message) : error;
  }
}

function bytesOf(text: string): Buffer {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw new Error('a saved key is damaged');
  return bytes;
}
