/** recover: secrets of the key-value engine as they were, planned one by one, and made current again one by one. */
import type { CallOptions, Client } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { isJsonObject, type JsonObject } from '../../client/json.ts';
import { parseSecret } from '../../client/secret.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../command.ts';
import { cleanPath } from '../paths.ts';
import { listKeys, printDocument, say } from '../render/output.ts';
import { plainText } from '../render/values.ts';
import { warn } from '../terminal.ts';
import { findTarget } from './kv/path.ts';
import type { KvTarget } from './kv/path.ts';

/** Names asked for at a time. */
const PAGE_NAMES = 1_000;
/** Secrets that are asked about at a time. */
const AT_ONCE = 16;
/** After so many secrets somebody who watches is told how far it is. */
const PROGRESS_EVERY = 100;

type Query = Readonly<Record<string, string>>;

interface Work {
  readonly invocation: Invocation;
  readonly client: Client;
  /** What names the past. */
  readonly query: Query;
  readonly counts: Map<string, number>;
  readonly shown: JsonObject[];
}

export async function recover(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [at, snapshotId] = [flags.text('at').trim(), flags.text('snapshot-id').trim()];
  if (at === '' && snapshotId === '') {
    throw new CommandFailure(EXIT_LOCAL, 'Say which past: -at=TIME, -snapshot-id=ID, or both');
  }
  if ((args.length === 0) !== flags.boolean('all')) {
    throw new CommandFailure(EXIT_LOCAL, 'Say what to recover: PATH, or -all');
  }
  const query = {
    ...(at === '' ? {} : { recover_as_of: at }),
    ...(snapshotId === '' ? {} : { recover_snapshot_id: snapshotId }),
  };
  const client = await invocation.session.client();
  const work: Work = { invocation, client, query, counts: new Map(), shown: [] };
  for (const path of flags.boolean('all') ? await mountsOf(work) : args) {
    await recoverPath(work, path.trim());
  }
  return await finish(work);
}

/** Mounts of the key-value engine that the caller sees, each with its slash. */
async function mountsOf({ client }: Work): Promise<readonly string[]> {
  const secret = await attempt('Error listing the mounts', client.get('sys/internal/ui/mounts'));
  const mounts = secret?.data?.['secret'];
  const found = Object.entries(isJsonObject(mounts) ? mounts : {}).filter(
    ([, mount]) => isJsonObject(mount) && mount['type'] === 'kv',
  );
  return found.map(([path]) => path);
}

async function recoverPath(work: Work, path: string): Promise<void> {
  const target = await findTarget(work.invocation, path);
  if (!target.version2 && work.query['recover_as_of'] !== undefined) {
    throw new CommandFailure(EXIT_LOCAL, `${path} keeps no versions: name a snapshot, not a time`);
  }
  if (!path.endsWith('/')) {
    report(work, await recoverOne(work, target.version2, target.pathIn('data')));
    return;
  }
  let waiting: string[] = [];
  const recoverWaiting = async (): Promise<void> => {
    const paths = waiting.map((name) => `${target.pathIn('data')}/${name}`);
    waiting = [];
    const done = paths.map((one) => recoverOne(work, target.version2, one));
    for (const one of await Promise.all(done)) report(work, one);
  };
  for await (const name of namesBelow(work, target)) {
    waiting.push(name);
    if (waiting.length >= AT_ONCE) await recoverWaiting();
  }
  await recoverWaiting();
}

/** Everything that the snapshot has below a folder, and then what only the present has. */
async function* namesBelow(work: Work, target: KvTarget): AsyncIterable<string> {
  const folder = target.pathIn('metadata');
  const { recover_snapshot_id: id } = work.query;
  // Version 1 lists a folder in one answer.
  const paged = target.version2;
  const seen = new Set<string>();
  if (id !== undefined) {
    const query = { read_snapshot_id: id };
    for await (const name of walk(work.client, { folder, paged, query }, '')) {
      seen.add(name);
      yield name;
    }
  }
  for await (const name of walk(work.client, { folder, paged, query: {} }, '')) {
    if (!seen.has(name)) yield name;
  }
}

interface Listing {
  readonly folder: string;
  readonly paged: boolean;
  readonly query: Query;
}

/** Page by page, folder by folder. */
async function* walk(client: Client, listing: Listing, below: string): AsyncIterable<string> {
  const { folder, paged, query } = listing;
  const path = cleanPath(`${folder}/${below}`);
  let after = '';
  for (;;) {
    const page = {
      ...query,
      ...(paged ? { limit: String(PAGE_NAMES) } : {}),
      ...(after === '' ? {} : { after }),
    };
    const secret = await attempt(`Error listing ${path}`, client.list(path, page));
    const names = listKeys(secret) ?? [];
    for (const name of names) {
      if (name.endsWith('/')) yield* walk(client, listing, below + name);
      else yield below + name;
    }
    const last = names.at(-1);
    if (!paged || last === undefined || names.length < PAGE_NAMES) return;
    after = last;
  }
}

async function recoverOne(work: Work, version2: boolean, path: string): Promise<JsonObject> {
  const { client, invocation } = work;
  const plan = await settled(version2 ? planOf(work, path) : planFlat(work, path));
  let action = plan instanceof Error ? 'failed' : plainText(plan['action']);
  let error = plan instanceof Error ? plan.message : undefined;
  const apply = invocation.flags.boolean('apply');
  if (!(plan instanceof Error) && action === 'recover' && apply) {
    const body = version2 ? { options: { cas: plan['current_version'] ?? 0 } } : {};
    const done = await settled(
      client.request('POST', path, { query: work.query, body } satisfies CallOptions),
    );
    action = done instanceof Error ? 'failed' : 'recovered';
    if (done instanceof Error) error = done.message;
  }
  return {
    path,
    ...(plan instanceof Error ? {} : plan),
    action,
    ...(error === undefined ? {} : { error }),
  };
}

async function planOf({ client, query }: Work, path: string): Promise<JsonObject> {
  const { body } = await client.request('GET', path, { query });
  return parseSecret(body)?.data ?? {};
}

/** Without versions: whether the snapshot has it. What is there now is replaced. */
async function planFlat({ client, query }: Work, path: string): Promise<JsonObject> {
  const past = await client.read(path, { read_snapshot_id: query['recover_snapshot_id'] ?? '' });
  return { action: past === undefined ? 'absent' : 'recover', from: 'snapshot' };
}

/** A secret that cannot be recovered does not hold up the others; without a server nothing goes on. */
async function settled<T>(call: Promise<T>): Promise<T | Error> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof ApiError && cause.status < 500) return cause;
    return await attempt('Error recovering', Promise.reject(cause));
  }
}

/** Actions that leave a secret as it is. */
const QUIET: ReadonlySet<string> = new Set(['unchanged', 'absent']);

function report(work: Work, one: JsonObject): void {
  const { counts, invocation, shown } = work;
  const action = plainText(one['action']);
  counts.set(action, (counts.get(action) ?? 0) + 1);
  if (!QUIET.has(action) || invocation.flags.boolean('verbose')) {
    if (invocation.format === 'table') say(invocation, lineOf(one));
    else shown.push(one);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total % PROGRESS_EVERY === 0 && invocation.terminal.stderrIsTty) {
    invocation.terminal.complain(`\r${total} secrets\u001b[K\r`);
  }
}

function lineOf(one: JsonObject): string {
  const text = (key: string): string => plainText(one[key] ?? '');
  const version = text('version');
  const then =
    version === '' || version === '0'
      ? ''
      : `  version ${version} of ${text('version_created_time').replace(/\.\d+/, '')}`;
  const from = text('from') === 'snapshot' ? ', from the snapshot' : '';
  const now = text('current_version');
  const present = now === '' || then === '' ? '' : now === '0' ? ', gone now' : `, now ${now}`;
  const error = text('error') === '' ? '' : `  ${text('error').replaceAll(/\s+/g, ' ')}`;
  return `${text('action').padEnd(9)}  ${text('path')}${then}${from}${present}${error}`;
}

async function finish({ counts, invocation, shown }: Work): Promise<number> {
  if (invocation.format !== 'table') await printDocument(invocation, shown);
  const summary = [...counts].map(([action, count]) => `${count} ${action}`).join(', ');
  warn(invocation.terminal, summary === '' ? 'Nothing found.' : `${summary}.`);
  if ((counts.get('recover') ?? 0) > 0) {
    warn(invocation.terminal, 'Nothing was changed: run it again with -apply to do it.');
  }
  const bad = (counts.get('failed') ?? 0) + (counts.get('lost') ?? 0);
  return bad > 0 || summary === '' ? EXIT_SERVER : EXIT_OK;
}
