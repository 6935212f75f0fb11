/** Policies of rotations over time: what is shown, kept and given up, and what becomes of them when their secret goes. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { after, suite, test } from 'node:test';
import { DAY, now, policy, put, serving, status, value } from './rotation.testkit.ts';

suite('a rotation policy', () => {
  const servers: Server[] = [];
  after(() => servers.forEach((server) => server.close()));

  /** A webhook that takes every step. @returns its address */
  async function hook(steps: string[]): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        steps.push((JSON.parse(Buffer.concat(chunks).toString()) as { step: string }).step);
        response.end('{"next": {"password": "made"}}');
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  }

  test('shows no password in an address, nor a key', () =>
    serving(async (server) => {
      await put(server, 'app', { username: 'a', password: 'old' });
      for (const connection_url of ['postgres://keeper:S3CRET@h/d', 'host=h password=S3CRET']) {
        const { reply } = await server.ask('write', 'secret/rotation/secret/app', {
          data: {
            rotator: 'postgresql',
            period: 60,
            settings: { connection_url, tls_certificate_key: 'S3CRET' },
          },
        });
        assert.match(reply?.warnings?.join() ?? '', /contains a password/);
        assert.ok(!JSON.stringify([reply, await status(server, 'app')]).includes('S3CRET'));
      }
    }));

  test('keeps the value before through its grace, however few versions are kept', () =>
    serving(async (server) => {
      await server.get('write', 'secret/metadata/app', { data: { max_versions: 1 } });
      await put(server, 'app', { password: 'old', host: 'a' });
      await policy(server, 'app', { rotator: 'random', period: '30d', grace: '1d' });
      await now(server, 'app');
      await put(server, 'app', { ...(await value(server, 'app')), host: 'b' });
      assert.equal((await value(server, 'app', 1))['password'], 'old');
      assert.equal(
        await server.outcome('read', 'secret/data/app', { data: { version: 2 } }),
        'not_found',
      );
      await server.pass(DAY);
      await put(server, 'app', await value(server, 'app'));
      assert.equal(
        await server.outcome('read', 'secret/data/app', { data: { version: 1 } }),
        'not_found',
      );
    }));

  test('goes with its secret, and what comes to that path later is left alone', () =>
    serving(async (server) => {
      await put(server, 'app', { password: 'old' });
      await policy(server, 'app', { rotator: 'random', period: '1d' });
      await server.get('delete', 'secret/metadata/app');
      await put(server, 'app', { password: 'another' });
      assert.equal(await server.outcome('read', 'secret/rotation/secret/app'), 'not_found');
      await server.pass(2 * DAY);
      assert.equal((await value(server, 'app'))['password'], 'another');
    }));

  test('goes after its secret when the value before is still in its grace', () =>
    serving(async (server) => {
      await put(server, 'app', { password: 'old' });
      await policy(server, 'app', { rotator: 'random', period: '30d', grace: '1d' });
      await now(server, 'app');
      await server.get('delete', 'secret/metadata/app');
      assert.equal((await status(server, 'app'))['phase'], 'grace');
      await put(server, 'app', { password: 'another' });
      await server.pass(DAY);
      assert.equal(await server.outcome('read', 'secret/rotation/secret/app'), 'not_found');
      await server.pass(60 * DAY);
      assert.equal((await value(server, 'app'))['password'], 'another');
    }));

  test('asked for while others take all places says that it waits', () =>
    serving(async (server) => {
      const steps: string[] = [];
      const settings = { url: await hook(steps), key: 'a-key-that-is-long-enough' };
      await server.get('write', 'secret/rotation/config', { data: { concurrent: 1 } });
      const paths = ['a', 'b', 'c'];
      for (const path of paths) {
        await put(server, path, { password: 'old' });
        await policy(server, path, { rotator: 'webhook', settings, period: '30d' });
      }
      const answers = await Promise.all(paths.map((path) => now(server, path)));
      const told = answers.map(({ reply }) => (reply?.warnings ?? []).join());
      assert.ok(told.some((text) => /not over yet/.test(text)));
      const old = async (path: string): Promise<boolean> =>
        (await value(server, path))['password'] === 'old';
      for (const path of paths) while (await old(path)) await server.pass(10);
    }));

  test('is put right by other settings when a step fails with those that were there, or given up', () =>
    serving(async (server) => {
      const steps: string[] = [];
      const url = await hook(steps);
      await put(server, 'hook', { password: 'old' });
      const settings = { url: `${url}/hook`, key: 'a-key-that-is-long-enough' };
      await policy(server, 'hook', { rotator: 'webhook', settings, period: '30d', grace: '1h' });
      await now(server, 'hook');
      await policy(server, 'hook', { settings: { url: 'http://127.0.0.1:1/' } });
      await server.pass(3600);
      const failed = await status(server, 'hook');
      assert.deepEqual([failed['phase'], failed['failed_step']], ['grace', 'retire']);
      const other = { data: { rotator: 'random' } };
      assert.equal(
        await server.outcome('write', 'secret/rotation/secret/hook', other),
        'invalid_request',
      );
      await policy(server, 'hook', { settings });
      await server.pass(1);
      assert.equal((await status(server, 'hook'))['phase'], 'idle');
      assert.deepEqual(steps, ['createSecret', 'setSecret', 'testSecret', 'finishSecret']);

      await now(server, 'hook');
      assert.equal(
        await server.outcome('delete', 'secret/rotation/secret/hook'),
        'invalid_request',
      );
      const given = await server.ask('delete', 'secret/rotation/secret/hook', {
        data: { force: true },
      });
      assert.match(given.reply?.warnings?.join() ?? '', /given up/);
      assert.equal(await server.outcome('read', 'secret/rotation/secret/hook'), 'not_found');
    }));
});
