/**
 * Kills the server again and again while it makes, renews, revokes and rotates accounts of a real target, starts it on the same
 * data and compares the target with what the server says: no account without a lease, no lease without its account, every
 * credential that was handed out works until it was revoked and not after, every stored password opens its account, that of the
 * connection itself too. Leases are also renewed while they are being revoked, and accounts are made while the connection gets
 * another password: nothing of that is a failure of the server.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../../rig/vault-server.ts';
import type { VaultServer } from '../../rig/vault-server.ts';
import { Seeded } from '../seeded.ts';
import { mountSecrets } from '../server-under-test.ts';
import { FIXED_PASSWORD } from './place.ts';
import type { AccountPlace } from './place.ts';

export interface AccountOptions {
  readonly cycles: number;
  readonly seed: number;
}

interface Lent {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
}

const LOAD_MS_MIN = 100;
const LOAD_MS_MAX = 900;
/** What was left open must be settled this soon after a start. */
const SETTLED_MS_MAX = 30_000;
const POLL_MS = 50;
/** Leases beyond this are revoked first, so that the list of them stays short. */
const HELD_MAX = 40;
const PROBLEMS_MAX = 10;
/** Lines of the server's log that are shown with a failure. */
const LAST_WORDS_MAX = 12;
/** What those who work side by side begin with: the kill may come at any of it. */
const FIRST: readonly Act[] = ['issue', 'revoke', 'role', 'secret', 'root'];

/** What was acknowledged. A revocation under way when the server was killed may or may not have come about. */
class Books {
  readonly held = new Map<string, Lent>();
  readonly revoked = new Set<string>();
  /** What the server has answered that it should not have. */
  readonly problems: string[] = [];
  /** The server is dead, or about to be. */
  killed = false;
  readonly counts: Record<Count, number> = {
    issued: 0,
    renewed: 0,
    revoked: 0,
    'of the role': 0,
    'of the secret': 0,
    'of the connection': 0,
  };
}

type Count =
  | 'issued'
  | 'renewed'
  | 'revoked'
  | 'of the role'
  | 'of the secret'
  | 'of the connection';

async function configure(
  { api, rootToken: token }: VaultServer,
  { settings, rotator, turn }: AccountPlace,
): Promise<void> {
  const post = (path: string, body: unknown) => api.expect('POST', path, { token, body });
  for (const [path, body] of settings) await post(path, body);
  await post('secret/data/turns', { data: { username: turn, password: FIXED_PASSWORD } });
  await post('secret/rotation/secret/turns', {
    rotator: rotator.name,
    settings: rotator.settings,
    period: '24h',
  });
}

const ACTS = [
  'issue',
  'issue',
  'renew',
  'revoke',
  'revoke and renew',
  'role',
  'secret',
  'root',
] as const;
type Act = (typeof ACTS)[number];

interface Worker {
  readonly server: VaultServer;
  readonly target: AccountPlace;
  readonly books: Books;
  readonly seeded: Seeded;
}

/** One act after the other until the server is gone. */
async function work(worker: Worker, first: Act): Promise<void> {
  const { books, seeded } = worker;
  try {
    for (let act = first; ; act = seeded.pick([...ACTS])) await perform(worker, act);
  } catch (error) {
    if (!books.killed) books.problems.push(error instanceof Error ? error.message : 'no error');
  }
}

/** @throws {Error} the server is gone, or answers what it should not */
async function perform({ server, target, books, seeded }: Worker, act: Act): Promise<void> {
  const { api, rootToken: token } = server;
  const { paths } = target;
  const held = [...books.held.values()];
  const lent = held[seeded.between(0, Math.max(0, held.length - 1))];
  /** Refused at most: what the target or the server itself fails at is neither’s fault here. */
  const call = async (count: Count, path: string, body: unknown = {}): Promise<void> => {
    const { status, body: answer } = await api.call('POST', path, { token, body });
    if (status >= 500) throw new Error(`${act}: ${status} ${JSON.stringify(answer)}`);
    books.counts[count]++;
  };
  if (act === 'role') return await call('of the role', paths.rotateRole);
  if (act === 'root') return await call('of the connection', paths.rotateRoot);
  if (act === 'secret')
    return await call('of the secret', 'secret/rotation/now/turns', { force: true });
  if (lent === undefined || (act === 'issue' && books.held.size < HELD_MAX)) {
    const reply = await api.expect('GET', paths.creds, { token });
    const { username = '', password = '' } = reply['data'] as Record<string, string>;
    const leaseId = String(reply['lease_id']);
    books.held.set(leaseId, { leaseId, username, password });
    books.counts.issued++;
    return;
  }
  const lease = { lease_id: lent.leaseId };
  const renew = () => call('renewed', 'sys/leases/renew', lease);
  if (act === 'renew') return await renew();
  books.held.delete(lent.leaseId);
  await Promise.all([
    api.expect('POST', 'sys/leases/revoke', { token, body: { ...lease, sync: true } }),
    act === 'revoke and renew' ? renew() : undefined,
  ]);
  books.revoked.add(lent.username);
  books.counts.revoked++;
}

/** Everything that does not fit; empty when it does. */
async function compare(server: VaultServer, target: AccountPlace, books: Books): Promise<string[]> {
  const { api, rootToken: token } = server;
  const problems: string[] = [];
  const accounts = await target.lent();
  const listed = await api.call('LIST', `sys/leases/lookup/${target.paths.creds}/`, { token });
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
  const role = await api.expect('GET', target.paths.readRole, { token });
  const fixed = role['data'] as Record<string, string>;
  if (!(await target.logsIn(target.fixed, fixed['password'] ?? '')))
    problems.push('the static role does not log in');
  return [...problems, ...(await compareSecret(server, target))];
}

/** At any moment, settled or not: what is current opens its account, unless it stopped being current before that was tried. */
async function compareSecret(
  { api, rootToken: token }: VaultServer,
  target: AccountPlace,
): Promise<string[]> {
  for (let tried: string | undefined; ;) {
    const read = await api.expect('GET', 'secret/data/turns', { token });
    const { data } = read['data'] as { data: Record<string, string> };
    const { username = '', password = '' } = data;
    if (tried === password) return [`the stored secret does not open ${username}`];
    if (await target.logsIn(username, password)) return [];
    tried = password;
  }
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
      books.killed = false;
      const load = Promise.all(FIRST.map((act) => work({ server, target, books, seeded }, act)));
      await delay(seeded.between(LOAD_MS_MIN, LOAD_MS_MAX));
      books.killed = true;
      await server.child.kill();
      await load;
      server.api.close();
      if (books.problems.length > 0) console.log(lastWords(server));
      problems.push(...books.problems.splice(0).map((problem) => `cycle ${cycle}: ${problem}`));
    }
    problems.push(...(await last(folder, target, books)));
  } finally {
    await target.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const { issued, renewed, revoked, ...rotated } = books.counts;
  const rotations = Object.entries(rotated).map(([what, count]) => `${count} ${what}`);
  console.log(
    `  ${cycles + 1} kills: ${issued} issued, ${renewed} renewed, ${revoked} revoked, rotated ${rotations.join(', ')}`,
  );
  if (issued < cycles / 4)
    problems.push(`only ${issued} accounts in ${cycles} cycles prove little`);
  // A small dose need not come to everything.
  for (const [what, count] of Object.entries(rotated)) {
    if (count < Math.floor(cycles / 10))
      problems.push(`only ${count} rotations ${what} prove little`);
  }
  return problems;
}

/** What the server itself said about it. */
function lastWords({ child }: VaultServer): string {
  return child.output
    .trimEnd()
    .split('\n')
    .slice(-LAST_WORDS_MAX)
    .join('\n')
    .replaceAll(/^/gm, '  | ');
}

/** The end of all leases is the end of all accounts. */
async function last(folder: string, target: AccountPlace, books: Books): Promise<string[]> {
  const server = await startVaultServer(strongroom, { folder });
  try {
    const problems = await settled(server, target, books);
    const { api, rootToken: token } = server;
    await api.expect('POST', `sys/leases/revoke-prefix/${target.paths.creds}`, {
      token,
      body: { sync: true },
    });
    books.held.clear();
    return [...problems, ...(await settled(server, target, books))];
  } finally {
    await server.child.kill();
    server.api.close();
  }
}
