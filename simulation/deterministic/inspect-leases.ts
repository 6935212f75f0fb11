/** Leases and accounts at rest: each has the other, what was ended is gone, what was not is there; then all of it is taken back. */
import type { Cluster } from './cluster.ts';
import { sure } from './final-asking.ts';
import { ACCOUNTS_MOUNT, ROOT_TOKEN, SPARE_MOUNTS, TEAM } from './image.ts';
import type { KnownLease } from './lease-book.ts';
import type { Ledger } from './ledger.ts';
import { LENT_LONG, comeToRest } from './rest.ts';
import { dataOf } from './server.ts';
import type { Chance } from './world/chance.ts';

const LONG = '/creds/long/';
/** What is told of a revocation that goes on. */
export const NOT_YET = 'failed to revoke lease';

interface Place {
  readonly namespace: string;
  readonly mount: string;
}

const PLACES: readonly Place[] = [
  ...[ACCOUNTS_MOUNT, ...SPARE_MOUNTS].map((mount) => ({ namespace: '', mount })),
  { namespace: TEAM, mount: 'spare' },
];

export async function checkLeases(cluster: Cluster, ledger: Ledger, chance: Chance): Promise<void> {
  const { problems, target } = cluster;
  const listed = new Set<string>();
  const inUse: Place[] = [];
  const { asked } = ledger.leases;
  if (asked.size > 0) await tryAgain(cluster, '');
  for (const place of PLACES) {
    if (!asked.has(place.namespace + place.mount)) continue;
    const ids = await longLeasesAt(cluster, place);
    for (const id of ids) listed.add(place.namespace + id);
    if (ids.length > 0) inUse.push(place);
  }
  const accounts = [...target.accounts.keys()].filter((name) => name.startsWith(LENT_LONG));
  if (listed.size !== accounts.length) {
    problems.push(`${listed.size} leases, but ${accounts.length} accounts`);
  }
  for (const lease of ledger.leases.all) {
    ledger.leases.checks += 1;
    const fault = faultOf(cluster, ledger, lease, listed.has(lease.namespace + lease.id));
    if (fault !== '') problems.push(fault);
  }
  for (const place of inUse) await takeBack(cluster, chance, place);
  if (inUse.length > 0) await comeToRest(cluster, 'nothing lent');
  for (const place of inUse) {
    if ((await longLeasesAt(cluster, place)).length > 0)
      problems.push('a lease without an account');
  }
}

function faultOf(
  { target, scheduler }: Cluster,
  { leases }: Ledger,
  lease: KnownLease,
  isListed: boolean,
): string {
  const lives = target.accounts.has(lease.username);
  if (!lease.id.includes(LONG)) return lives ? 'an account has outlived its lease' : '';
  if (isListed && !lives) return 'a lease goes on without its account';
  if (lives && !isListed) return 'an account goes on without its lease';
  if (isListed && leases.mustBeGone(lease)) return 'a lease that was ended goes on';
  if (!leases.mustBeThere(lease, scheduler.nowMs)) return '';
  if (!isListed) return 'a lease has ended before its time';
  const opens = target.accounts.get(lease.username) === lease.password;
  return opens ? '' : 'a password that was lent does not open its account';
}

async function longLeasesAt(cluster: Cluster, { namespace, mount }: Place): Promise<string[]> {
  const answer = await sure(cluster, {
    operation: 'list',
    path: `sys/leases/lookup/${mount}${LONG}`,
    namespace,
    token: ROOT_TOKEN,
  });
  if (answer.error !== undefined) {
    const { code, message } = answer.error;
    // The namespace may be gone.
    if (code !== 'not_found' && namespace === '') cluster.problems.push(`leases: ${message}`);
    return [];
  }
  const keys = (answer.reply?.data?.['keys'] ?? []) as readonly string[];
  return keys.map((key) => mount + LONG + key);
}

/** What a target has refused too often is left to the operator, who has it tried again now that the target works. */
async function tryAgain(cluster: Cluster, namespace: string): Promise<void> {
  const asked = { namespace, token: ROOT_TOKEN };
  const path = 'sys/leases';
  const data = { type: 'irrevocable' };
  const given = dataOf(await sure(cluster, { operation: 'read', path, data, ...asked }));
  for (const { lease_id } of given['leases'] as readonly { readonly lease_id: string }[]) {
    const revoke = { path: 'sys/leases/revoke', data: { lease_id, sync: true } };
    const { error } = await sure(cluster, { operation: 'write', ...revoke, ...asked });
    if (error !== undefined) cluster.problems.push(`a lease was given up: ${error.message}`);
  }
}

/** In one of the ways that there are. */
async function takeBack(cluster: Cluster, chance: Chance, place: Place): Promise<void> {
  const { namespace, mount } = place;
  const whole = mount !== ACCOUNTS_MOUNT && chance.happens(0.5);
  const path = whole
    ? namespace === ''
      ? `sys/mounts/${mount}`
      : `sys/namespaces/${namespace.slice(0, -1)}`
    : `sys/leases/revoke-prefix/${mount}`;
  const { error } = await sure(cluster, {
    operation: whole ? 'delete' : 'write',
    path,
    namespace: whole ? '' : namespace,
    token: ROOT_TOKEN,
  });
  // Who waits for it may have to wait for longer than a request may take.
  if (error === undefined || error.message.startsWith(NOT_YET)) return;
  cluster.problems.push(`${path} was refused: ${error.message}`);
}
