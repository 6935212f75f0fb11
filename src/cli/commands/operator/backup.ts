/** operator backup and restore: all data of the server, as a file. */
import { createWriteStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { reportProgress } from '../../progress.ts';
import { say } from '../../render/output.ts';

/** Every server that speaks this API knows these names. */
const SNAPSHOT = 'sys/storage/raft/snapshot';
const SNAPSHOT_FORCE = 'sys/storage/raft/snapshot-force';
const PRIVATE = 0o600;

export async function backup(invocation: Invocation): Promise<number> {
  const path = (invocation.args[0] ?? '').trim();
  if (existsSync(path)) throw new CommandFailure(EXIT_LOCAL, `${path} exists already`);
  const client = await invocation.session.client();
  const message = await attempt('Error taking the snapshot', client.stream('GET', SNAPSHOT));
  // Under another name until it is whole: half a backup must not look like one.
  const unfinished = `${path}.unfinished`;
  const progress = reportProgress(invocation.terminal, 'saved');
  try {
    await rm(unfinished, { force: true });
    const file = createWriteStream(unfinished, { mode: PRIVATE, flags: 'wx', flush: true });
    await pipeline(message, progress.count, file);
    assertWhole(message.headers['content-length'], file.bytesWritten);
    const { verifyBackup } = await import('../../../server/restore.ts');
    await verifyBackup(unfinished, path);
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(unfinished, { force: true });
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(EXIT_SERVER, `Error taking the snapshot: ${reason}`);
  } finally {
    progress.end();
  }
  return EXIT_OK;
}

function assertWhole(announced: string | undefined, bytes: number): void {
  if (announced !== undefined && Number(announced) !== bytes) {
    throw new Error(`the server announced ${announced} bytes and sent ${bytes}`);
  }
}

/** Makes the new name durable. Windows cannot open a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function restore(invocation: Invocation): Promise<number> {
  const { args, flags, terminal } = invocation;
  const configPaths = flags.list('config');
  const directory = flags.text('data') || undefined;
  if (directory === undefined && configPaths.length === 0) return restoreOverTheApi(invocation);
  if (directory !== undefined && configPaths.length > 0) {
    throw new CommandFailure(EXIT_LOCAL, 'Say where to restore: -config=FILE or -data=FOLDER');
  }
  const { restoreBackup } = await import('../../../server/restore.ts');
  const call = restoreBackup({
    file: (args[0] ?? '').trim(),
    configPaths,
    directory,
    replace: flags.boolean('force'),
    environment: terminal.environment,
    publicKey: flags.text('public-key'),
  });
  const restored = await attempt('Error restoring the backup', call);
  say(
    invocation,
    `Success! Restored ${described(restored.header?.manifest)} to ${restored.place}\nStart the server and unseal it with the key shares, or the key, of the server that the backup comes from.`,
  );
  return EXIT_OK;
}

/** What the snapshot says of itself. */
function described(manifest: { name: string; created_time: string } | undefined): string {
  return manifest === undefined
    ? 'the backup'
    : `the snapshot ${manifest.name} of ${manifest.created_time}`;
}

/** Of a running server. */
export async function restoreOverTheApi(invocation: Invocation): Promise<number> {
  const { args, flags, terminal } = invocation;
  const file = (args[0] ?? '').trim();
  const upload = await open(file).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(EXIT_LOCAL, `Error opening the snapshot: ${reason}`);
  });
  const client = await invocation.session.client();
  const progress = reportProgress(terminal, 'sent');
  try {
    const path = flags.boolean('force') ? SNAPSHOT_FORCE : SNAPSHOT;
    const body = upload.createReadStream().pipe(progress.count);
    const call = client.stream('POST', path, { body });
    (await attempt('Error restoring the snapshot', call)).resume();
  } finally {
    progress.end();
    await upload.close().catch(() => {});
  }
  say(invocation, `Success! Restored ${file} in place of all data of ${client.address}.`);
  return EXIT_OK;
}
