/** A system clock that jumps ends nothing early and lets nothing live on, until somebody who may says that it is right. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openInstance } from './instance-fixture.ts';

const HOUR_MS = 3_600_000;
const DECADE_MS = 87_660 * HOUR_MS;

describe('a system clock that is set', () => {
  for (const byMs of [HOUR_MS, -HOUR_MS, DECADE_MS, -DECADE_MS]) {
    test(`by ${byMs / HOUR_MS} h changes no lifetime`, async () => {
      const open = await openInstance();
      await open.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
      const long = await open.makeToken({ ttl: '30m' });
      const short = await open.makeToken({ ttl: '10s' });
      await open.get('read', 'lend/creds/600/600');
      assert.equal(open.target.live.size, 1);
      open.clock.setAhead(byMs);
      await open.pass(5);
      assert.equal(await open.outcome('read', 'auth/token/lookup-self', { token: short }), 'ok');
      await open.pass(10);
      assert.notEqual(await open.outcome('read', 'auth/token/lookup-self', { token: short }), 'ok');
      const { ttl } = await open.get('read', 'auth/token/lookup-self', { token: long });
      assert.equal(ttl, 30 * 60 - 15);
      assert.equal(open.target.live.size, 1);
      await open.pass(600);
      assert.equal(open.target.live.size, 0);
      const health = await open.get('read', 'sys/health', { token: null });
      assert.equal(health['degraded'], 'clock');
      open.clock.setAhead(-byMs);
      await open.pass(5);
      assert.equal((await open.get('read', 'sys/health', { token: null }))['degraded'], undefined);
      await open.instance.close();
    });
  }

  test('is believed when somebody with sudo says so, and by nobody else’s word', async () => {
    const open = await openInstance();
    const path = 'sys/config/reload/clock';
    const policy = (name: string, capabilities: string): Promise<unknown> =>
      open.get('write', `sys/policies/acl/${name}`, {
        data: { policy: `path "${path}" { capabilities = [${capabilities}] }` },
      });
    await policy('plain', '"update"');
    await policy('mighty', '"update", "sudo"');
    const [plain, mighty] = [await open.tokenFor('plain'), await open.tokenFor('mighty')];
    const token = await open.makeToken({ ttl: '30m' });
    const lives = (): Promise<string> => open.outcome('read', 'auth/token/lookup-self', { token });
    open.clock.setAhead(HOUR_MS);
    assert.equal(await open.outcome('write', path, { token: plain }), 'permission_denied');
    assert.equal(await lives(), 'ok');
    assert.equal(await open.outcome('write', path, { token: mighty }), 'ok');
    assert.equal(await lives(), 'permission_denied');
    await open.instance.close();
  });
});
