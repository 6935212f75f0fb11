/** After the trouble: lets everything come to rest, and looks whether it is as was promised. */
import { registerOf } from './acts/secrets.ts';
import type { Cluster } from './cluster.ts';
import { sure } from './final-asking.ts';
import { FIXED, ROOT_TOKEN, ROTATED, STILL } from './image.ts';
import type { Image } from './image.ts';
import { checkLeases } from './inspect-leases.ts';
import type { Ledger } from './ledger.ts';
import { REST_MS_MAX, comeToRest, unrest } from './rest.ts';
import { dataOf } from './server.ts';
import type { Question } from './server.ts';
import type { Chance } from './world/chance.ts';
import { KEEPER } from './world/target.ts';

/** Between two looks at what does not rest. */
const LOOK_MS = 1_000;
/** A rotation that nothing disturbs takes less. */
const ROTATION_MS = 300;
const LOOKS = 3;
/** Parts of the runs after which the store is scrubbed once more, and the audit logs are verified. */
const SCRUBBED = 0.25;
const VERIFIED = 0.15;

/** @param chance picks the runs that are looked at more closely: what costs much and finds little is not done each time. */
export async function inspect(
  cluster: Cluster,
  ledger: Ledger,
  image: Image,
  chance: Chance,
): Promise<void> {
  const { problems } = cluster;
  await oneServer(cluster);
  await comeToRest(cluster, 'nothing under way');
  await checkSecrets(cluster, ledger);
  await checkLeases(cluster, ledger, chance);
  await checkTokens(cluster, ledger);
  await checkCredentials(cluster, image);
  ledger.judgeHistories();
  if (chance.happens(SCRUBBED)) await checkIntegrity(cluster);
  const verified = chance.happens(VERIFIED) ? cluster.nodes : [];
  for (const { audit, name, machine } of verified) {
    const fault = await audit.verify(machine?.alive === true);
    if (fault !== '') problems.push(`${name}: ${fault}`);
  }
  for (const crash of cluster.crashes())
    problems.push(`a request crashed: ${crash.split('\n', 3).join(' ')}`);
}

/** The first that serves goes on alone; the others are gone without a word. */
async function oneServer(cluster: Cluster): Promise<void> {
  while (cluster.serving.length === 0) await cluster.scheduler.sleep(20, 'wait for a server');
  const [survivor] = cluster.serving;
  for (const node of cluster.nodes) {
    if (node === survivor) continue;
    node.wanted = false;
    node.machine?.die('is taken away');
  }
}

async function checkSecrets(cluster: Cluster, ledger: Ledger): Promise<void> {
  for (const path of ledger.histories.keys()) {
    const callMs = cluster.scheduler.nowMs;
    const answer = await sure(cluster, { operation: 'read', path, token: ROOT_TOKEN });
    const saw = registerOf(answer);
    const answerMs = cluster.scheduler.nowMs;
    if (saw === undefined)
      cluster.problems.push(`${path} cannot be read: ${answer.error?.message}`);
    else ledger.note(path, { action: { kind: 'read', saw }, callMs, answerMs });
  }
  const forbidden: Question = {
    operation: 'read',
    path: 'secret/data/forbidden',
    token: ROOT_TOKEN,
  };
  const { error } = await sure(cluster, forbidden);
  if (error?.code !== 'not_found') cluster.problems.push('a write that was denied has happened');
}

async function checkTokens(cluster: Cluster, ledger: Ledger): Promise<void> {
  for (const known of ledger.tokens) {
    const question: Question = {
      operation: 'read',
      path: 'secret/data/shared/1',
      token: known.token,
    };
    const sentMs = cluster.scheduler.nowMs;
    const { error } = await sure(cluster, question);
    ledger.judgeToken(known, error?.code !== 'permission_denied', sentMs, cluster.scheduler.nowMs);
  }
}

/** Exactly the credentials that are stored as current open the kept accounts. */
async function checkCredentials(cluster: Cluster, image: Image): Promise<void> {
  const { target, problems } = cluster;
  const stored = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
    dataOf(await sure(cluster, { operation: 'read', path, token: ROOT_TOKEN }));
  for (const name of [FIXED, STILL]) {
    await checkKept(cluster, {
      account: name,
      what: `the credential of a static role (${name})`,
      value: async () => (await stored(`accounts/static-creds/${name}`))['password'],
      atRest: async () => !('rotation_failures' in (await stored(`accounts/static-roles/${name}`))),
    });
  }
  await checkKept(cluster, {
    account: ROTATED,
    what: 'the value of a rotated secret',
    value: async () => {
      const { data } = await stored('rotating/data/app');
      return (data as Readonly<Record<string, unknown>>)['password'];
    },
    atRest: async () => {
      const { phase, failures } = await stored('rotating/rotation/secret/app');
      return (phase === 'idle' || phase === 'grace') && failures === 0;
    },
  });
  const { error } = await sure(cluster, {
    operation: 'read',
    path: 'accounts/creds/app',
    token: ROOT_TOKEN,
  });
  if (error !== undefined) {
    const changed = target.accounts.get(KEEPER) !== image.accounts.get(KEEPER);
    problems.push(
      `no account can be made any more (${error.message}; the keeper's password ${changed ? 'was rotated' : 'is the first'})`,
    );
  }
}

interface Kept {
  readonly account: string;
  readonly what: string;
  readonly value: () => Promise<unknown>;
  /** No rotation has failed that is still to be made good. */
  readonly atRest: () => Promise<boolean>;
}

/** The account opens with what is stored, as soon as no rotation is under way. */
async function checkKept(cluster: Cluster, { account, what, value, atRest }: Kept): Promise<void> {
  const { scheduler, target, problems } = cluster;
  const untilMs = scheduler.nowMs + REST_MS_MAX;
  for (let wrong = 0; wrong < LOOKS;) {
    if ((await value()) === target.accounts.get(account)) return;
    if (scheduler.nowMs > untilMs) return void problems.push(`${what} does not come to rest`);
    const rests = unrest(cluster) === '' && (await atRest());
    if (rests) wrong += 1;
    await scheduler.sleep(rests ? ROTATION_MS : LOOK_MS, 'look again');
  }
  problems.push(`${what} that is stored is not the one that works`);
}

async function checkIntegrity(cluster: Cluster): Promise<void> {
  const [node] = cluster.serving;
  const scrub = node?.instance?.services.barrier.scrub();
  if (scrub === undefined) return;
  for (;;) {
    const { done, faults } = await scrub.step(1_000);
    for (const { key, reason } of faults) cluster.problems.push(`integrity of ${key}: ${reason}`);
    if (done) return;
  }
}
