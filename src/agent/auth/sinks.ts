/** Files that hold the agent's token, for programs that read it there. */
import type { Client } from '../../client/client.ts';
import type { SinkConfig } from '../config/agent-config.ts';
import { replaceFile } from '../files.ts';

/** Writes `token` into every sink; `client` carries it. @throws when one cannot be written */
export async function writeSinks(sinks: readonly SinkConfig[], client: Client): Promise<void> {
  for (const sink of sinks) {
    const { path, mode, wrapTtlSeconds } = sink;
    const text =
      wrapTtlSeconds === undefined ? client.token : await wrapped(client, wrapTtlSeconds);
    await replaceFile(path, text, { mode, createFolders: false, backup: false });
  }
}

/** The token in a wrapping, as the JSON that other agents write. */
async function wrapped(client: Client, ttlSeconds: number): Promise<string> {
  const wrapping = client.with({ wrapTtl: `${ttlSeconds}s` });
  const secret = await wrapping.write('sys/wrapping/wrap', { token: client.token });
  const info = secret?.wrapInfo;
  if (info === undefined) throw new Error('the server did not wrap the token');
  return JSON.stringify({
    token: info.token,
    accessor: info.accessor,
    ttl: info.ttlSeconds,
    creation_time: info.creationTime,
    creation_path: info.creationPath,
    wrapped_accessor: info.wrappedAccessor,
  });
}
