/**
 * Which API path a key means. Version 2 of the engine puts `data/`, `metadata/`, … between mount and key, so the server is asked
 * first where the mount ends and which version it is; a wrong guess would write a version 2 secret to a version 1 path.
 */
import { joinPath } from '../../../client/address.ts';
import type { Client } from '../../../client/client.ts';
import { ApiError } from '../../../client/errors.ts';
import { isJsonObject, type JsonObject } from '../../../client/json.ts';
import { parseSecret, type Secret } from '../../../client/secret.ts';
import { attempt, CommandFailure, EXIT_SERVER, type Invocation } from '../../command.ts';
import { cleanPath } from '../../paths.ts';

export interface KvTarget {
  readonly version2: boolean;
  /** The path of the key under one of the engine's folders ("data", "metadata", …); version 1 has none. */
  readonly pathIn: (folder: string) => string;
}

/** Finds the target of a key, by default the first argument, read with or without -mount. */
export async function findTarget(
  invocation: Invocation,
  given: string = invocation.args[0] ?? '',
): Promise<KvTarget> {
  const key = cleanPath(given);
  const mountFlag = cleanPath(invocation.flags.text('mount'));
  const asked = mountFlag === '' ? key : mountFlag;
  const mount = await attempt('', readMount(invocation, asked));
  const withMount = mountFlag === '' ? key : joinPath(mount.path || mountFlag, key);
  return {
    version2: mount.version === '2',
    pathIn: (folder) =>
      mount.version === '2' ? insertFolder(withMount, mount.path, folder) : withMount,
  };
}

async function readMount(
  invocation: Invocation,
  path: string,
): Promise<{ path: string; version: string }> {
  const client = await invocation.session.preflight();
  let secret: Secret | undefined;
  try {
    secret = parseSecret((await client.request('GET', `sys/internal/ui/mounts/${path}`)).body);
  } catch (cause) {
    // Servers without this endpoint know version 1 only.
    if (cause instanceof ApiError && cause.status === 404) return { path: '', version: '1' };
    if (cause instanceof ApiError && cause.status === 403 && invocation.session.dryRun) {
      throw new CommandFailure(
        EXIT_SERVER,
        `The request cannot be shown without asking the server which version of the engine is mounted, and the token may not read ${path}.`,
      );
    }
    throw cause;
  }
  if (secret === undefined) throw new Error('nil response from pre-flight request');
  const options = secret.data?.['options'];
  const version = isJsonObject(options) ? options['version'] : undefined;
  const mountPath = secret.data?.['path'];
  return {
    path: typeof mountPath === 'string' ? mountPath : '',
    version: version === '2' ? '2' : '1',
  };
}

/** `secret/a/b` with `data` becomes `secret/data/a/b`. */
export function insertFolder(path: string, mountPath: string, folder: string): string {
  let mount = mountPath.endsWith('/') ? mountPath.slice(0, -1) : mountPath;
  if (path === mount) return joinPath(mount, folder);
  // The mount may be told with namespaces that the path leaves out.
  while (!path.startsWith(`${mount}/`)) {
    const slash = mount.indexOf('/');
    if (slash === -1) return joinPath(mount, folder, path);
    mount = mount.slice(slash + 1);
    if (path === mount) return joinPath(mount, folder);
  }
  return joinPath(mount, folder, path.slice(mount.length + 1));
}

/** Reads one version; a deleted one answers 404 with its metadata, which counts as an answer. */
export async function readVersion(
  client: Client,
  path: string,
  version: number,
): Promise<Secret | undefined> {
  return client.read(path, version > 0 ? { version: String(version) } : undefined);
}

function fail(message: string): CommandFailure {
  return new CommandFailure(EXIT_SERVER, message);
}

export interface StoredVersion {
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

/** Data and metadata of what was read, or the failure that says which is missing. */
export function storedVersion(
  secret: Secret | undefined,
  path: string,
  verb: string,
): StoredVersion {
  if (secret?.data === undefined) throw fail(`No value found at ${path}`);
  const metadata = secret.data['metadata'];
  if (!isJsonObject(metadata)) {
    throw fail(`No metadata found at ${path}; ${verb} only works on existing data`);
  }
  if (
    typeof metadata['deletion_time'] === 'string' &&
    metadata['deletion_time'] !== '' &&
    verb === 'rollback'
  ) {
    throw fail('Cannot roll back to a version that has been deleted');
  }
  if (metadata['destroyed'] === true && verb === 'rollback') {
    throw fail('Cannot roll back to a version that has been destroyed');
  }
  const data = secret.data['data'];
  if (!isJsonObject(data))
    throw fail(`No data found at ${path}; ${verb} only works on existing data`);
  return { data, metadata };
}
