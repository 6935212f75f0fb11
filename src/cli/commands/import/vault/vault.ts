/** import vault: everything that a running Vault or OpenBao shows of itself, to the server of this command line. */
import { readFile } from 'node:fs/promises';
import { Client } from '../../../../client/client.ts';
import { optionsFromEnvironment, readVariable } from '../../../../client/environment.ts';
import type { TlsSettings } from '../../../../client/tls.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_SERVER,
  type Invocation,
} from '../../../command.ts';
import { withTrailingSlash } from '../../../paths.ts';
import { reportSteps } from '../../../progress.ts';
import { assertNoDryRunOfOne, conflictRule } from '../flags.ts';
import { Ledger, reasonOf } from '../ledger.ts';
import { shown } from '../names.ts';
import { carryAuth } from './auth.ts';
import { carryIdentity } from './identity.ts';
import { carryKv } from './kv.ts';
import { carryMfa } from './mfa.ts';
import { carryNamespaces } from './namespaces.ts';
import type { Place } from './place.ts';
import { carryOidc } from './oidc.ts';
import { carryPolicies } from './policies.ts';
import { carryQuotas } from './quotas.ts';
import { Pace, Source, SOURCE_ANSWER_BYTES_MAX } from './source.ts';

export const SECTIONS = [
  'namespaces',
  'policies',
  'mounts',
  'secrets',
  'auth',
  'identity',
  'mfa',
  'oidc',
  'quotas',
] as const;
type Section = (typeof SECTIONS)[number];

const RATE_DEFAULT = 100;
/** A server that is busy or has to be waited for is asked again this often. */
const RETRIES = 4;

/** What no server hands out, whatever the token may do. */
const NEVER_CARRIED: readonly (readonly [string, string])[] = [
  ['tokens and leases', 'they end with the old server: log in again here'],
  ['cubbyholes and wrapped answers', 'they belong to tokens'],
  ['audit devices', 'they are declared in the configuration here'],
];

export async function importVault(invocation: Invocation): Promise<number> {
  assertNoDryRunOfOne(invocation);
  const { flags, terminal } = invocation;
  const wants = chosenSections(flags.list('only'));
  const rate = flags.integer('rate', RATE_DEFAULT);
  if (rate < 0) throw new CommandFailure(EXIT_LOCAL, '-rate must not be negative');
  const ledger = new Ledger({ dryRun: flags.boolean('dry-run'), onConflict: conflictRule(flags) });
  const source = new Source(await sourceClient(invocation), new Pace(rate));
  const target = (await invocation.session.preflight()).with({ retriesMax: RETRIES });
  await attempt('Error reaching the source', source.read('sys/seal-status'));
  await attempt('Error reaching the server', target.object('GET', 'sys/seal-status'));
  const steps = reportSteps(terminal);
  const root: Place = {
    namespace: '',
    source,
    target,
    ledger,
    progress: steps.show,
    mountsMet: new Set(),
    mounts: flags.list('mount').map((path) => withTrailingSlash(path.replace(/^\/+/, ''))),
  };
  let gone: unknown;
  try {
    await carryAll(root, wants);
    for (const mount of root.mounts) {
      const met = root.mountsMet.has(mount) || !(wants.has('mounts') || wants.has('secrets'));
      if (!met) ledger.fail('mounts', mount, new Error('the source has no key-value engine there'));
    }
  } catch (cause) {
    gone = cause;
  } finally {
    steps.end();
    source.close();
    target.close();
  }
  for (const [name, reason] of NEVER_CARRIED) ledger.lost(name, reason);
  const code = await ledger.print(invocation);
  if (gone === undefined) return code;
  throw new CommandFailure(
    EXIT_SERVER,
    `The import was cut off: ${shown(reasonOf(gone))}\nRun it again: what is there already is passed over.`,
  );
}

async function carryAll(root: Place, wants: ReadonlySet<Section>): Promise<void> {
  const places = [root];
  if (wants.has('namespaces')) {
    for (const namespace of await carryNamespaces(root)) places.push(placeIn(root, namespace));
  }
  for (const place of places) {
    if (wants.has('policies')) await carryPolicies(place);
    if (wants.has('mounts') || wants.has('secrets')) {
      await carryKv(place, { mounts: wants.has('mounts'), secrets: wants.has('secrets') });
    }
    if (wants.has('auth')) await carryAuth(place);
    if (wants.has('identity')) await carryIdentity(place);
    if (wants.has('mfa')) await carryMfa(place);
    if (wants.has('oidc')) await carryOidc(place);
  }
  if (wants.has('quotas')) await carryQuotas(root);
}

export function placeIn(root: Place, namespace: string): Place {
  const own = withTrailingSlash(root.target.namespace);
  return {
    ...root,
    namespace,
    source: root.source.in(namespace),
    target: root.target.with({ namespace: own + namespace }),
  };
}

function chosenSections(given: readonly string[]): ReadonlySet<Section> {
  const names = given.flatMap((text) => text.split(',')).map((name) => name.trim());
  const unknown = names.find((name) => !SECTIONS.some((section) => section === name));
  if (unknown !== undefined) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `-only takes ${SECTIONS.join(', ')}; not ${shown(unknown)}`,
    );
  }
  return new Set(names.length === 0 ? SECTIONS : SECTIONS.filter((name) => names.includes(name)));
}

async function sourceClient(invocation: Invocation): Promise<Client> {
  const { args, flags, terminal } = invocation;
  const text = (name: string): string | undefined => flags.text(name) || undefined;
  const tls = {
    caFile: text('source-ca-cert'),
    certFile: text('source-client-cert'),
    keyFile: text('source-client-key'),
    serverName: text('source-tls-server-name'),
    skipVerify: flags.boolean('source-tls-skip-verify') ? true : undefined,
  };
  const namespace = (text('source-namespace') ?? '').replace(/^\/+/, '');
  const { proxy } = optionsFromEnvironment(terminal.environment);
  try {
    return new Client({
      address: args[0] ?? '',
      token: await sourceToken(invocation),
      tls: Object.fromEntries(
        Object.entries(tls).filter(([, value]) => value !== undefined),
      ) as TlsSettings,
      ...(namespace === '' ? {} : { namespace: withTrailingSlash(namespace) }),
      ...(proxy === undefined ? {} : { proxy }),
      retriesMax: RETRIES,
      refuseRedirects: true,
      answerBytesMax: SOURCE_ANSWER_BYTES_MAX,
    });
  } catch (cause) {
    if (cause instanceof CommandFailure) throw cause;
    throw new CommandFailure(EXIT_LOCAL, `The source cannot be used: ${reasonOf(cause)}`);
  }
}

/** From a file, a variable or the terminal: on the command line everybody on the machine could read it. */
async function sourceToken({ flags, terminal }: Invocation): Promise<string> {
  const file = flags.text('source-token-file');
  if (file !== '') {
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch {
      throw new CommandFailure(EXIT_LOCAL, `${file} cannot be read`);
    }
  }
  const variable = readVariable(terminal.environment, 'SOURCE_TOKEN');
  if (variable !== undefined) return variable.trim();
  if (terminal.stdinIsTty && !flags.boolean('non-interactive')) {
    return (await terminal.askSecret('Token for the source (will be hidden): ')).trim();
  }
  throw new CommandFailure(
    EXIT_LOCAL,
    'A token for the source is needed: -source-token-file, or STRONGROOM_SOURCE_TOKEN',
  );
}
