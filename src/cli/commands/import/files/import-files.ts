/** import aws, env, json, yaml and files: secrets that lie in files, into a key-value engine. */
import type { JsonValue } from '../../../../client/json.ts';
import { CommandFailure, EXIT_LOCAL, EXIT_SERVER, type Invocation } from '../../../command.ts';
import { reportSteps } from '../../../progress.ts';
import { findTarget } from '../../kv/path.ts';
import { assertNoDryRunOfOne, conflictRule } from '../flags.ts';
import { Ledger, reasonOf } from '../ledger.ts';
import { shown } from '../names.ts';
import { awsSecrets } from './aws-export.ts';
import { parseEnv } from './env-file.ts';
import { folderEntries } from './folder.ts';
import { causeOf, InputError, parseJsonDocuments, readNamed } from './input.ts';
import { assertDistinct, entriesOf, LAYOUTS } from './layout.ts';
import type { Entry, Layout } from './layout.ts';
import { storeAws } from './store-aws.ts';
import { storeEntries } from './store.ts';
import type { Store } from './store.ts';

export async function importEnv(invocation: Invocation): Promise<number> {
  return await importEntries(invocation, 'one', async (path, layout) => {
    const variables = Object.fromEntries(parseEnv(await readNamed(invocation, path)));
    return entriesOf(variables, layout);
  });
}

export async function importJson(invocation: Invocation): Promise<number> {
  return await importEntries(invocation, 'one', async (path, layout) =>
    entriesOfAll(parseJsonDocuments(await readNamed(invocation, path)), layout),
  );
}

export async function importYaml(invocation: Invocation): Promise<number> {
  return await importEntries(invocation, 'one', async (path, layout) => {
    const { parseYaml } = await import('./yaml-file.ts');
    return entriesOfAll(await parseYaml(await readNamed(invocation, path)), layout);
  });
}

export async function importFolder(invocation: Invocation): Promise<number> {
  return await importEntries(invocation, 'each', async (folder, layout, ledger) => {
    if (layout === 'tree') throw new InputError('-layout=tree has no meaning for a folder');
    const trim = invocation.flags.boolean('trim');
    return await folderEntries({ folder, layout, trim, ledger });
  });
}

export async function importAws(invocation: Invocation): Promise<number> {
  const files = invocation.args.slice(0, -1);
  const documents: JsonValue[] = [];
  for (const file of files) {
    const read = async (): Promise<JsonValue[]> =>
      parseJsonDocuments(await readNamed(invocation, file));
    documents.push(...(await readable(file, read)));
  }
  const secrets = await readable(files.join(', '), async () => awsSecrets(documents));
  return await importing(invocation, invocation.args.at(-1) ?? '', async (store) => {
    if (!store.target.version2) {
      throw new CommandFailure(EXIT_LOCAL, 'Versions need a key-value engine of version 2');
    }
    await storeAws(store, [...secrets.values()]);
  });
}

type Reading = (path: string, layout: Layout, ledger: Ledger) => Promise<readonly Entry[]>;

async function importEntries(
  invocation: Invocation,
  usual: Layout,
  read: Reading,
): Promise<number> {
  const { args, flags } = invocation;
  const [file = '', path = ''] = args;
  const text = flags.text('layout') || usual;
  const layout = LAYOUTS.find((name) => name === text);
  if (layout === undefined)
    throw new CommandFailure(EXIT_LOCAL, `-layout takes ${LAYOUTS.join(', ')}`);
  return await importing(invocation, path, async (store) => {
    const entries = await readable(file, async () => await read(file, layout, store.ledger));
    await storeEntries(store, entries);
  });
}

function entriesOfAll(documents: readonly JsonValue[], layout: Layout): readonly Entry[] {
  return assertDistinct(documents.flatMap((document) => entriesOf(document, layout)));
}

/** Reads what the user has named; what is wrong about it ends the command before anything is written. */
async function readable<Result>(name: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof CommandFailure) throw cause;
    throw new CommandFailure(EXIT_LOCAL, `${shown(name)} cannot be imported: ${causeOf(cause)}`);
  }
}

async function importing(
  invocation: Invocation,
  path: string,
  body: (store: Store) => Promise<void>,
): Promise<number> {
  assertNoDryRunOfOne(invocation);
  const { flags, session, terminal } = invocation;
  const ledger = new Ledger({ dryRun: flags.boolean('dry-run'), onConflict: conflictRule(flags) });
  const target = await findTarget(invocation, path);
  const steps = reportSteps(terminal);
  const client = await session.preflight();
  let gone: unknown;
  try {
    await body({ client, target, ledger, progress: steps.show });
  } catch (cause) {
    if (cause instanceof CommandFailure) throw cause;
    gone = cause;
  } finally {
    steps.end();
  }
  const code = await ledger.print(invocation);
  if (gone === undefined) return code;
  throw new CommandFailure(EXIT_SERVER, `The import was cut off: ${shown(reasonOf(gone))}`);
}
