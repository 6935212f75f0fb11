/** operator backup and restore: all data of the server, as a file. */
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { attempt, CommandFailure, EXIT_OK, EXIT_SERVER, type Invocation } from '../../command.ts';
import { reportProgress } from '../../progress.ts';

const SNAPSHOT = 'sys/storage/raft/snapshot';

export async function backup(invocation: Invocation): Promise<number> {
  const path = (invocation.args[0] ?? '').trim();
  const client = await invocation.session.client();
  const message = await attempt('Error taking the snapshot', client.stream('GET', SNAPSHOT));
  // Under another name until it is whole: half a backup must not look like one.
  const unfinished = `${path}.unfinished`;
  const progress = reportProgress(invocation.terminal, 'saved');
  try {
    const file = createWriteStream(unfinished, { mode: 0o600 });
    await pipeline(message, progress.count, file);
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true });
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(EXIT_SERVER, `Error taking the snapshot: ${reason}`);
  } finally {
    progress.end();
  }
  return EXIT_OK;
}

export async function restore(invocation: Invocation): Promise<number> {
  const path = (invocation.args[0] ?? '').trim();
  const { size } = await attempt('Error opening the snapshot', stat(path));
  const client = await invocation.session.client();
  const where = invocation.flags.boolean('force') ? `${SNAPSHOT}-force` : SNAPSHOT;
  const progress = reportProgress(invocation.terminal, 'sent');
  const body = createReadStream(path).pipe(progress.count);
  try {
    const message = await attempt(
      'Error installing the snapshot',
      client.stream('POST', where, { body, headers: { 'Content-Length': String(size) } }),
    );
    message.resume();
  } finally {
    progress.end();
  }
  return EXIT_OK;
}
