/** Puts a backup in the place of a store, while no server runs on it, and opens the result once. */
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
import { loadConfig } from './config/load-config.ts';

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
  readonly directory: string;
  /** Undefined for a bare copy, as versions before snapshots made them. */
  readonly header: Header | undefined;
}

/**
 * Restores a snapshot, or a bare copy of the store, and says where to.
 * @throws {Error} it is damaged or not ours, a store is there already or in use, or the configuration names none.
 */
export async function restoreBackup(command: RestoreCommand): Promise<Restored> {
  const { file, replace, log = silentLog } = command;
  const directory = command.directory ?? configuredDirectory(command);
  const header = await headerOf(file, command.publicKey);
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
  return { directory, header };
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
  const inspected = await inspectFile(file, trustedKey(publicKey));
  const key = parsePublicKey(inspected.manifest.public_key) ?? Buffer.alloc(0);
  return { ...inspected, keyId: keyId(key) };
}

function configuredDirectory({ configPaths, environment }: RestoreCommand): string {
  const { storage } = loadConfig(configPaths, { environment, warn: () => {} });
  if (storage.kind !== 'sqlite') {
    throw new Error(
      `the configured storage "${storage.kind}" is no folder: restore with -data=FOLDER, and move that there with "operator migrate"`,
    );
  }
  return storage.path;
}

/** Demands that `file` is a whole snapshot, or bare copy; errors call it `name`. @throws {Error} */
export async function verifyBackup(file: string, name: string): Promise<void> {
  if (isSnapshot(await readStart(file))) await inspectFile(file);
  else assertBackup(file, name);
}
