/**
 * Kills the server again and again while it makes, renews, revokes and rotates accounts of a real database, starts it on the same
 * data and compares the database with what the server says: no account without a lease, no lease without its account, every
 * credential that was handed out works until it was revoked and not after, every stored password opens its account. Leases are
 * also renewed while they are being revoked.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../rig/vault-server.ts';
import type { VaultServer } from '../rig/vault-server.ts';
import type { AccountPlace } from './account-places.ts';
import { FIXED_PASSWORD } from './account-places.ts';
import { Seeded } from './seeded.ts';
import { mountSecrets } from './server-under-test.ts';

export interface AccountOptions {
  readonly cycles: number;
  readonly seed: number;
}

interface Lent {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
}

const WORKERS = 4;
const LOAD_MS_MIN = 100;
const LOAD_MS_MAX = 900;
/** What was left open must be settled this soon after a start. */
const SETTLED_MS_MAX = 30_000;
const POLL_MS = 50;
/** Leases beyond this are revoked first, so that the list of them stays short. */
const HELD_MAX = 40;
const PROBLEMS_MAX = 10;

/** What was acknowledged. A revocation under way when the server was killed may or may not have come about. */
class Books {
  readonly held = new Map<string, Lent>();
  readonly revoked = new Set<string>();
  counts = { issued: 0, renewed: 0, revoked: 0, rotated: 0 };
}

async function configure(
  { api, rootToken: token }: VaultServer,
  target: AccountPlace,
): Promise<void> {
  const { connectionUrl: connection_url, admin } = target;
  const post = (path: string, body: unknown) => api.expect('POST', path, { token, body });
  await post('sys/mounts/db', { type: 'database' });
  await post('db/config/at', {
    plugin_name: target.plugin,
    connection_url,
    ...admin,
    allowed_roles: '*',
  });
  await post('db/roles/r', {
    db_name: 'at',
    creation_statements: target.creationStatements,
    default_ttl: '1h',
    max_ttl: '24h',
  });
  await post('db/static-roles/s', { db_name: 'at', username: 'fixed', rotation_period: '24h' });
  await post('secret/data/turns', { data: { username: 'turn_a', password: FIXED_PASSWORD } });
  await post('secret/rotation/secret/turns', {
    rotator: target.rotator,
    settings: { connection_url, ...admin, accounts: ['turn_a', 'turn_b'] },
    period: '24h',
  });
}

/** One act after the other until the server is gone. */
async function work(
  server: VaultServer,
  books: Books,
  seeded: Seeded,
  first: string,
): Promise<void> {
  const { api, rootToken: token } = server;
  for (
    let act = first;
    ;
    act = seeded.pick(['issue', 'issue', 'renew', 'revoke', 'revoke and renew', 'role', 'secret'])
  ) {
    const lent = [...books.held.values()][seeded.between(0, Math.max(0, books.held.size - 1))];
    if (act === 'role') {
      await api.call('POST', 'db/rotate-role/s', { token });
      books.counts.rotated++;
    } else if (act === 'secret') {
      await api.call('POST', 'secret/rotation/now/turns', { token, body: { force: true } });
      books.counts.rotated++;
    } else if (lent === undefined || (act === 'issue' && books.held.size < HELD_MAX)) {
      const reply = await api.expect('GET', 'db/creds/r', { token });
      const data = reply['data'] as Record<string, string>;
      const leaseId = String(reply['lease_id']);
      const { username = '', password = '' } = data;
      books.held.set(leaseId, { leaseId, username, password });
      books.counts.issued++;
    } else if (act === 'renew') {
      await api.call('POST', 'sys/leases/renew', { token, body: { lease_id: lent.leaseId } });
      books.counts.renewed++;
    } else {
      books.held.delete(lent.leaseId);
      const lease = { lease_id: lent.leaseId };
      const renew = () => api.call('POST', 'sys/leases/renew', { token, body: lease });
      await Promise.all([
        api.expect('POST', 'sys/leases/revoke', { token, body: { ...lease, sync: true } }),
        act === 'revoke and renew' ? renew() : undefined,
      ]);
      books.revoked.add(lent.username);
      books.counts.revoked++;
    }
  }
}

/** Everything that does not fit; empty when it does. */
async function compare(server: VaultServer, target: AccountPlace, books: Books): Promise<string[]> {
  const { api, rootToken: token } = server;
  const problems: string[] = [];
  const accounts = await target.lent();
  const listed = await api.call('LIST', 'sys/leases/lookup/db/creds/r/', { token });
  const leases = (listed.body as { data?: { keys?: string[] } } | undefined)?.data?.keys ?? [];
  if (leases.length !== accounts.size) {
    problems.push(`${accounts.size} accounts and ${leases.length} leases`);
  }
  for (const username of books.revoked) {
    if (accounts.has(username)) problems.push(`${username} was revoked and is there`);
  }
  for (const { username, password } of books.held.values()) {
    if (!(await target.logsIn(username, password)))
      problems.push(`${username} was lent and does not log in`);
  }
  const role = await api.expect('GET', 'db/static-creds/s', { token });
  const fixed = role['data'] as Record<string, string>;
  if (!(await target.logsIn('fixed', fixed['password'] ?? '')))
    problems.push('the static role does not log in');
  return [...problems, ...(await compareSecret(server, target))];
}

/** At any moment, settled or not: what is current opens its account. */
async function compareSecret(
  { api, rootToken: token }: VaultServer,
  target: AccountPlace,
): Promise<string[]> {
  const read = await api.expect('GET', 'secret/data/turns', { token });
  const { data } = read['data'] as { data: Record<string, string> };
  const { username = '', password = '' } = data;
  return (await target.logsIn(username, password))
    ? []
    : [`the stored secret does not open ${username}`];
}

async function settled(server: VaultServer, target: AccountPlace, books: Books): Promise<string[]> {
  const began = performance.now();
  for (;;) {
    const problems = await compare(server, target, books);
    if (problems.length === 0 || performance.now() - began > SETTLED_MS_MAX) return problems;
    await delay(POLL_MS);
  }
}

export async function simulateAccounts(
  open: () => Promise<AccountPlace>,
  { cycles, seed }: AccountOptions,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-accounts-'));
  const seeded = new Seeded(seed);
  const books = new Books();
  const problems: string[] = [];
  const target = await open();
  try {
    for (let cycle = 0; cycle <= cycles && problems.length < PROBLEMS_MAX; cycle++) {
      const server = await startVaultServer(strongroom, { folder });
      const found: string[] = [];
      if (cycle === 0) {
        await mountSecrets(server);
        await configure(server, target);
      } else {
        found.push(
          ...(await compareSecret(server, target)),
          ...(await settled(server, target, books)),
        );
      }
      problems.push(...found.map((problem) => `cycle ${cycle}: ${problem}`));
      const first = ['issue', 'revoke', 'role', 'secret'];
      const load = Promise.allSettled(
        Array.from({ length: WORKERS }, (_, worker) =>
          work(server, books, seeded, first[worker] ?? 'issue'),
        ),
      );
      await delay(seeded.between(LOAD_MS_MIN, LOAD_MS_MAX));
      await server.child.kill();
      await load;
      server.api.close();
    }
    problems.push(...(await last(folder, target, books)));
  } finally {
    await target.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const { issued, renewed, revoked, rotated } = books.counts;
  console.log(
    `  ${cycles} kills: ${issued} issued, ${renewed} renewed, ${revoked} revoked, ${rotated} rotated`,
  );
  if (issued < cycles / 4)
    problems.push(`only ${issued} accounts in ${cycles} cycles prove little`);
  return problems;
}

/** The end of all leases is the end of all accounts. */
async function last(folder: string, target: AccountPlace, books: Books): Promise<string[]> {
  const server = await startVaultServer(strongroom, { folder });
  try {
    const problems = await settled(server, target, books);
    const { api, rootToken: token } = server;
    await api.expect('POST', 'sys/leases/revoke-prefix/db/creds', { token, body: { sync: true } });
    books.held.clear();
    return [...problems, ...(await settled(server, target, books))];
  } finally {
    await server.child.kill();
    server.api.close();
  }
}
