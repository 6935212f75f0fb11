/** Puts a backup in the place of a store that no server works on, and opens the result once. */
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { silentLog } from '../base/log.ts';
import type { Log } from '../base/log.ts';
import {
  assertDigest,
  digestOf,
  inspectFile,
  isSnapshot,
  readHeader,
  readStart,
} from '../snapshots/container.ts';
import type { Header } from '../snapshots/container.ts';
import { assertBackup, restoreSqliteStorage } from '../storage/sqlite/restore.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import { keyId, parsePublicKey } from '../crypto/signatures/ed25519.ts';
import { isArchive, snapshotIn } from '../snapshots/archive.ts';
import { unpack } from '../snapshots/unpack.ts';
import { openSqliteCopy } from '../storage/sqlite/copy.ts';
import { isReplaceable, StorageError } from '../storage/storage.ts';
import { loadConfig } from './config/load-config.ts';
import { openLasting, storeWords } from './start/open-storage.ts';
import type { LastingConfig } from './start/open-storage.ts';

export interface RestoreCommand {
  readonly file: string;
  /** Configuration files that name the storage, or the data directory itself. */
  readonly configPaths: readonly string[];
  readonly directory: string | undefined;
  /** Allow it over a store that exists, which is kept beside. */
  readonly replace: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The only key (base64) whose signature counts; '' = any that fits. */
  readonly publicKey: string;
  readonly log?: Log;
}

export interface Restored {
  /** Where to: a folder, or a database in words. */
  readonly place: string;
  /** Undefined for a bare copy, as versions before snapshots made them. */
  readonly header: Header | undefined;
}

/**
 * Restores a snapshot, or a bare copy of the store, and says where to.
 * @throws {Error} it is damaged or not ours, a store is there already or in use, or the configuration names none.
 */
export async function restoreBackup(command: RestoreCommand): Promise<Restored> {
  const target = targetOf(command);
  return await withFolder(async (folder) => {
    const found = { ...command, file: await plainFile(command.file, folder) };
    return typeof target === 'string'
      ? await restoreFolder(found, target)
      : await restoreDatabase(found, target, folder);
  });
}

/** Into the database that servers share: in one transaction. Servers that work on it go over to what is there then. */
async function restoreDatabase(
  { file, publicKey, replace, log = silentLog }: RestoreCommand,
  config: LastingConfig,
  folder: string,
): Promise<Restored> {
  const header = await headerOf(file, publicKey);
  let bare = file;
  if (header !== undefined) {
    bare = join(folder, 'copy');
    await unpack(createReadStream(file), bare, trustedKey(publicKey));
  }
  assertBackup(bare, file);
  let failure: StorageError | undefined;
  const storage = await openLasting(config, { log, onFatal: (error) => (failure = error) });
  const copy = openSqliteCopy(bare);
  try {
    if (!isReplaceable(storage)) throw new StorageError('this storage cannot be restored');
    if (!replace && (await storage.scan('', undefined, 1)).length > 0) {
      throw new StorageError('the database holds data already; say so if it is to be replaced');
    }
    await storage.replace(copy);
    if (failure !== undefined) throw failure;
    return { place: storeWords(config, process.env), header };
  } finally {
    await copy.close();
    await storage.close();
  }
}

async function restoreFolder(
  { file, publicKey, replace, log = silentLog }: RestoreCommand,
  directory: string,
): Promise<Restored> {
  const header = await headerOf(file, publicKey);
  await restoreSqliteStorage({
    file,
    directory,
    replace,
    log,
    ...(header === undefined
      ? {}
      : {
          skipBytes: header.length,
          check: async (copied) => assertDigest(header, await digestOf(copied)),
        }),
  });
  const storage = await openSqliteStorage({ directory, log, onFatal: () => {} });
  await storage.close();
  return { place: directory, header };
}

/** Undefined for a bare copy. */
async function headerOf(file: string, publicKey: string): Promise<Header | undefined> {
  const start = await readStart(file);
  const trusted = trustedKey(publicKey);
  if (isSnapshot(start)) return readHeader(start, trusted);
  if (trusted !== undefined) throw new Error(`${file} is not signed`);
  return undefined;
}

function trustedKey(text: string): Buffer | undefined {
  if (text === '') return undefined;
  const key = parsePublicKey(text);
  if (key === undefined) throw new Error('the public key must be 32 bytes in base64');
  return key;
}

/** What a snapshot says of itself, once signature and contents have been checked. @throws {Error} */
export async function inspectSnapshot(
  file: string,
  publicKey: string,
): Promise<Header & { readonly fileBytes: number; readonly keyId: string }> {
  const inspected = await withFolder(async (folder) =>
    inspectFile(await plainFile(file, folder), trustedKey(publicKey)),
  );
  const key = parsePublicKey(inspected.manifest.public_key) ?? Buffer.alloc(0);
  return { ...inspected, keyId: keyId(key) };
}

/** A folder, or the configuration of a database. */
function targetOf({ directory, configPaths, environment }: RestoreCommand): string | LastingConfig {
  if (directory !== undefined) return directory;
  const { storage } = loadConfig(configPaths, { environment, warn: () => {} });
  if (storage.kind === 'inmem') throw new Error('storage "inmem" ends with its server');
  return storage.kind === 'sqlite' ? storage.path : storage;
}

/** Runs `body` with a folder that nobody else can enter, and that is gone afterwards. */
async function withFolder<Result>(body: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-restore-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The file, or what an archive holds, as a file of its own. @throws {SnapshotError} */
async function plainFile(file: string, folder: string): Promise<string> {
  if (!isArchive(await readStart(file))) return file;
  const plain = join(folder, 'snapshot');
  const pieces = snapshotIn(createReadStream(file));
  await pipeline(pieces, createWriteStream(plain, { mode: 0o600, flags: 'wx' }));
  return plain;
}

/** Demands that `file` is a whole snapshot, or bare copy; errors call it `name`. @throws {Error} */
export async function verifyBackup(file: string, name: string): Promise<void> {
  await withFolder(async (folder) => {
    const plain = await plainFile(file, folder);
    if (isSnapshot(await readStart(plain))) await inspectFile(plain);
    else assertBackup(plain, name);
  });
}
