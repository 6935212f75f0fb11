/** The RabbitMQ engine against a real broker: its users log in with what they are given, and are gone after their leases. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { fetchBytes } from '../auth/fetch-json.ts';
import type { JsonObject } from '../base/json.ts';
import { systemRandom } from '../base/random.ts';
import { testBackendDeclaration } from '../engines/backend.contract.ts';
import { rabbitmqBackend } from '../engines/rabbitmq/rabbitmq.ts';
import {
  RABBITMQ_ADMIN,
  RABBITMQ_HINT,
  rabbitmqIsHere,
  startRabbitmq,
} from '../../rig/rabbitmq.ts';
import type { Rabbitmq } from '../../rig/rabbitmq.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

testBackendDeclaration(
  rabbitmqBackend({ random: systemRandom, send: fetchBytes, password: async () => '' }),
);

const ALL = '{"/": {"configure": ".*", "write": ".*", "read": ".*"}}';
const TOPICS = '{"/": {"amq.topic": {"write": "a.*", "read": "b.*"}}}';
const SKIP = rabbitmqIsHere() ? false : `needs rabbitmq-server: ${RABBITMQ_HINT}`;

interface Lent {
  readonly username: string;
  readonly password: string;
  readonly leaseId: string;
}

suite('the RabbitMQ engine', { skip: SKIP }, () => {
  let broker: Rabbitmq;
  let open: OpenInstance;

  const refusal = async (
    operation: 'read' | 'write' | 'delete',
    path: string,
    data: JsonObject = {},
  ): Promise<string> => (await open.ask(operation, path, { data })).error?.message ?? 'done';

  async function connect(more: JsonObject = {}): Promise<string> {
    const data = { connection_uri: broker.url, ...RABBITMQ_ADMIN, ...more };
    return await refusal('write', 'rabbitmq/config/connection', data);
  }

  before(async () => {
    broker = await startRabbitmq();
    open = await openInstance();
    await open.ask('write', 'sys/mounts/rabbitmq', { data: { type: 'rabbitmq' } });
    assert.equal(await connect(), 'done');
    const role = { tags: 'management', vhosts: ALL, vhost_topics: TOPICS };
    assert.equal(await refusal('write', 'rabbitmq/roles/app', role), 'done');
  });
  after(async () => {
    await open?.instance.close();
    await broker?.stop();
  });

  async function lend(role = 'app'): Promise<Lent> {
    const { reply, lease, error } = await open.ask('read', `rabbitmq/creds/${role}`);
    assert.equal(error, undefined);
    const { username, password } = { ...reply?.data };
    const leaseId = lease?.id ?? '';
    return { username: String(username), password: String(password), leaseId };
  }

  async function logsIn({ username, password }: Lent): Promise<boolean> {
    return (await broker.ask('GET', 'whoami', { username, password })).status === 200;
  }

  async function names(): Promise<string[]> {
    const { document } = await broker.ask('GET', 'users');
    return (document as { name: string }[]).map(({ name }) => name).sort();
  }

  test('a user may do what the role says, while its lease lasts', async () => {
    const lent = await lend();
    assert.equal(await logsIn(lent), true);
    const path = `users/${encodeURIComponent(lent.username)}`;
    const { document: permissions } = await broker.ask('GET', `${path}/permissions`);
    assert.deepEqual(permissions, [
      { user: lent.username, vhost: '/', configure: '.*', write: '.*', read: '.*' },
    ]);
    const { document: topics } = await broker.ask('GET', `${path}/topic-permissions`);
    assert.deepEqual(topics, [
      { user: lent.username, vhost: '/', exchange: 'amq.topic', write: 'a.*', read: 'b.*' },
    ]);
    const revoked = await refusal('write', 'sys/leases/revoke', {
      lease_id: lent.leaseId,
      sync: true,
    });
    assert.equal(revoked, 'done');
    assert.equal(await logsIn(lent), false);
    assert.deepEqual(await names(), [RABBITMQ_ADMIN.username]);
  });

  test('leases last as config/lease says, with renewals up to its end', async () => {
    assert.equal(await open.outcome('read', 'rabbitmq/config/lease'), 'not_found');
    await refusal('write', 'rabbitmq/config/lease', { ttl: '1m', max_ttl: '90s' });
    const shown = await open.get('read', 'rabbitmq/config/lease');
    assert.deepEqual(shown, { ttl: 60, max_ttl: 90 });
    const lent = await lend();
    await open.pass(50);
    assert.equal(await refusal('write', 'sys/leases/renew', { lease_id: lent.leaseId }), 'done');
    await open.pass(30);
    assert.equal(await logsIn(lent), true);
    await open.pass(15);
    assert.equal(await logsIn(lent), false);
    const longer = { ttl: '2h', max_ttl: '1h' };
    assert.match(await refusal('write', 'rabbitmq/config/lease', longer), /greater/);
    await refusal('write', 'rabbitmq/config/lease', { ttl: 0, max_ttl: 0 });
  });

  test('a permission that the broker refuses leaves no user behind', async () => {
    const vhosts = '{"no/such": {"configure": ".*", "write": ".*", "read": ".*"}}';
    await refusal('write', 'rabbitmq/roles/bad', { vhosts });
    const { error } = await open.ask('read', 'rabbitmq/creds/bad');
    assert.equal(error?.code, 'upstream_failed');
    assert.match(error?.message ?? '', /^failed to create a user/);
    await open.pass(120);
    assert.deepEqual(await names(), [RABBITMQ_ADMIN.username]);
  });

  test('names of virtual hosts are names, whatever is in them', async () => {
    for (const vhost of ['a/b', '../users', 'é & ?']) {
      await broker.ask('PUT', `vhosts/${encodeURIComponent(vhost)}`);
      const vhosts = JSON.stringify({ [vhost]: { configure: '', write: '', read: 'q' } });
      await refusal('write', 'rabbitmq/roles/odd', { vhosts });
      const lent = await lend('odd');
      const path = `users/${encodeURIComponent(lent.username)}/permissions`;
      const { document } = await broker.ask('GET', path);
      assert.deepEqual(document, [
        { user: lent.username, vhost, configure: '', write: '', read: 'q' },
      ]);
      await refusal('write', 'sys/leases/revoke', { lease_id: lent.leaseId, sync: true });
    }
    assert.deepEqual(await names(), [RABBITMQ_ADMIN.username]);
  });

  test('a template never takes an account that is there', async () => {
    assert.equal(await connect({ username_template: RABBITMQ_ADMIN.username }), 'done');
    assert.match(await refusal('read', 'rabbitmq/creds/app'), /there is a user of that name/);
    assert.equal(await connect({ username_template: 'x-{{ .RoleName }}-{{ random 8 }}' }), 'done');
    const lent = await lend();
    assert.match(lent.username, /^x-app-[A-Za-z0-9]{8}$/);
    await refusal('write', 'sys/leases/revoke', { lease_id: lent.leaseId, sync: true });
    assert.deepEqual(await names(), [RABBITMQ_ADMIN.username]);
    assert.equal(await connect(), 'done');
  });

  test('a broker that cannot be reached keeps no user: the revocation is tried again', async () => {
    const lent = await lend();
    const gone = { connection_uri: 'http://127.0.0.1:1', verify_connection: false };
    assert.equal(await connect(gone), 'done');
    const message = await refusal('read', 'rabbitmq/creds/app');
    assert.match(message, /the broker does not answer/);
    await open.ask('write', 'sys/leases/revoke', { data: { lease_id: lent.leaseId } });
    assert.equal(await logsIn(lent), true);
    assert.equal(await connect(), 'done');
    for (let minutes = 0; minutes < 10 && (await logsIn(lent)); minutes++) await open.pass(60);
    assert.equal(await logsIn(lent), false);
    assert.deepEqual(await names(), [RABBITMQ_ADMIN.username]);
  });

  test('settings are checked and never shown, and errors repeat nothing', async () => {
    const secret = 'S3CRET';
    for (const data of [
      { connection_uri: '' },
      { username: '' },
      { password: '' },
      { connection_uri: `ftp://${secret}` },
      { connection_uri: `http://u:${secret}@127.0.0.1` },
      { tls_ca: secret },
      { username_template: `{{ ${secret} }}` },
      { password: secret },
    ]) {
      const message = await connect(data);
      assert.notEqual(message, 'done', JSON.stringify(data));
      assert.equal(message.includes(secret), false, message);
    }
    assert.notEqual(await refusal('read', 'rabbitmq/config/connection'), 'done');
    for (const data of [
      {},
      { vhosts: secret },
      { vhosts: `["${secret}"]` },
      { vhosts: `{"/": {"read": ["${secret}"]}}` },
      { vhost_topics: `{"/": "${secret}"}` },
      { tags: secret.repeat(1000) },
    ]) {
      const message = await refusal('write', 'rabbitmq/roles/x', data);
      assert.notEqual(message, 'done', JSON.stringify(data));
      assert.equal(message.includes(secret), false, message);
    }
    assert.equal(await open.outcome('read', 'rabbitmq/roles/x'), 'not_found');
    assert.equal(await refusal('read', 'rabbitmq/creds/none'), 'unknown role');
  });

  test('roles are listed, shown and removed', async () => {
    const shown = await open.get('read', 'rabbitmq/roles/app');
    assert.deepEqual(shown, {
      tags: 'management',
      vhosts: JSON.parse(ALL),
      vhost_topics: JSON.parse(TOPICS),
    });
    const { keys } = await open.get('list', 'rabbitmq/roles');
    assert.ok((keys as string[]).includes('app'));
    assert.equal(await refusal('delete', 'rabbitmq/roles/app'), 'done');
    assert.equal(await refusal('read', 'rabbitmq/creds/app'), 'unknown role');
  });
});
