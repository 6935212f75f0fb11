/** The pipeline as a whole: what is recorded when, what a conflict costs, what answers while sealed, what comes before what. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { RequestError } from '../model/errors.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { ConflictError } from '../storage/storage.ts';
import type { Storage } from '../storage/storage.ts';
import { KeptLog } from './audit-fixture.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

const PATH = 'secret/data/a';
const written = (k: string): { data: { data: { k: string } } } => ({ data: { data: { k } } });

/** A store that tells of each commit before it is made. */
function watched(inner: Storage, onCommit: () => void): Storage {
  return {
    read: (keys) => inner.read(keys),
    list: (prefix, page) => inner.list(prefix, page),
    close: () => inner.close(),
    async commit(commit) {
      onCommit();
      await inner.commit(commit);
    },
  };
}

suite('the audit log', () => {
  const log = new KeptLog();
  let onCommit = (): void => {};
  let server: OpenInstance;
  before(async () => {
    const storage = watched(createMemoryStorage(), () => onCommit());
    server = await openInstance({ audit: [log.type], storage });
    await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
    await server.get('write', PATH, written('old'));
  });
  after(async () => await server.instance.close());

  const value = async (): Promise<unknown> =>
    ((await server.get('read', PATH))['data'] as { k: string }).k;

  test('has the request before its effect, and the reply before the answer', async () => {
    const records = log.of(PATH).length;
    let atCommit: string[] | undefined;
    onCommit = () => (atCommit ??= log.of(PATH).slice(records));
    await server.get('write', PATH, written('new'));
    onCommit = () => {};
    assert.deepEqual(atCommit, ['request update']);
    assert.deepEqual(log.of(PATH).slice(records), ['request update', 'response update']);
  });

  test('has the request before something outside happens', async () => {
    const made = server.target.live.size;
    log.mode = 'fails';
    assert.equal(await server.outcome('read', 'lend/creds/60/60'), 'audit_failed');
    assert.equal(server.target.live.size, made);
    log.mode = 'works';
    assert.equal(await server.outcome('read', 'lend/creds/60/60'), 'ok');
  });

  test('has both records of what was refused, whatever the reason', async () => {
    const token = await server.tokenFor('default');
    const cases = [
      ['refused-a', { token }, 'permission_denied'],
      ['refused-b', { token: 'garbage' }, 'permission_denied'],
      ['refused-c', { token: null }, 'permission_denied'],
      ['refused-d', {}, 'not_found'],
    ] as const;
    for (const [path, asking, code] of cases) {
      assert.equal(await server.outcome('read', path, asking), code, path);
      const [request = '', response = '', ...more] = log.of(path);
      assert.ok(request.startsWith('request read'), request);
      assert.ok(response.startsWith('response read '), response);
      assert.deepEqual(more, []);
    }
  });

  test('that cannot be written lets nothing happen, and nothing out', async () => {
    const { auth } = await server.ask('write', 'auth/token/create');
    const token = auth?.clientToken ?? '';
    log.mode = 'fails';
    for (const [operation, path, asking] of [
      ['write', PATH, written('not')],
      ['read', PATH, {}],
      ['write', 'auth/token/create', {}],
      ['write', 'auth/token/revoke', { data: { token } }],
      ['delete', 'sys/mounts/secret', {}],
      ['read', 'nowhere', { token: 'garbage' }],
    ] as const) {
      const answer = await server.ask(operation, path, asking);
      assert.equal(answer.error?.code, 'audit_failed', path);
      assert.equal(answer.reply ?? answer.auth, undefined);
    }
    log.mode = 'works';
    assert.equal(await value(), 'new');
    assert.equal(await server.outcome('read', 'auth/token/lookup-self', { token }), 'ok');
  });

  test('that keeps still gives an error after its deadline, not a hang', async () => {
    log.mode = 'blocks';
    const answer = server.outcome('write', PATH, written('not'));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    server.clock.advance(2_000);
    assert.equal(await answer, 'audit_failed');
    log.mode = 'works';
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await value(), 'new');
  });

  test('tells no token and no secret', async () => {
    const token = await server.makeToken({ ttl: '1h' });
    await server.get('write', PATH, { token, ...written('canary-value') });
    await server.get('read', PATH, { token });
    await server.ask('read', PATH, { token, wrapTtlSeconds: 60 });
    assert.equal(log.text.includes(token), false);
    assert.equal(log.text.includes('canary-value'), false);
  });
});

suite('a conflict', () => {
  test('runs the request again: one record, one effect', async () => {
    const log = new KeptLog();
    let conflicts = 0;
    const storage = watched(createMemoryStorage(), () => {
      if (conflicts-- > 0) throw new ConflictError('injected');
    });
    const server = await openInstance({ audit: [log.type], storage });
    let bodies = 0;
    const readBody = async (): Promise<{ data: { k: string } }> => {
      bodies++;
      return { data: { k: 'v' } };
    };
    for (const count of [1, 3, 15]) {
      const path = `secret/data/c${count}`;
      conflicts = count;
      const { reply } = await server.ask('write', path, { call: { readBody } });
      assert.equal(reply?.data?.['version'], 1);
      assert.deepEqual(log.of(path), ['request create', 'response create']);
    }
    assert.equal(bodies, 3);
    conflicts = 1000;
    assert.equal(await server.outcome('write', 'secret/data/never', written('x')), 'unavailable');
    conflicts = 0;
    assert.equal(await server.outcome('read', 'secret/data/never'), 'not_found');
    await server.instance.close();
  });

  test('or a refusal leaves nothing outside that nobody holds', async () => {
    let conflicts = 0;
    const storage = watched(createMemoryStorage(), () => {
      if (conflicts-- > 0) throw new ConflictError('injected');
    });
    const server = await openInstance({ storage });
    await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
    conflicts = 3;
    const { name } = await server.get('read', 'lend/creds/60/60');
    await server.pass(0);
    assert.deepEqual([...server.target.live], [name]);
    conflicts = 16;
    assert.equal(await server.outcome('read', 'lend/creds/60/60'), 'unavailable');
    await server.pass(0);
    assert.deepEqual([...server.target.live], [name]);
    const quota = { max_leases: 1, path: 'lend/' };
    await server.get('write', 'sys/quotas/lease-count/one', { data: quota });
    assert.equal(await server.outcome('read', 'lend/creds/60/60'), 'lease_count_exceeded');
    await server.pass(0);
    assert.deepEqual([...server.target.live], [name]);
    await server.instance.close();
  });

  test('counts a lease once, and several that are made at once each', async () => {
    let conflicts = 0;
    const storage = watched(createMemoryStorage(), () => {
      if (conflicts-- > 0) throw new ConflictError('injected');
    });
    const server = await openInstance({ storage });
    await server.get('write', 'sys/mounts/ssh', { data: { type: 'ssh' } });
    const role = { key_type: 'otp', default_user: 'u', cidr_list: '10.0.0.0/8' };
    await server.get('write', 'ssh/roles/r', { data: role });
    const quota = { max_leases: 3, path: 'ssh/' };
    await server.get('write', 'sys/quotas/lease-count/three', { data: quota });
    const lend = (): Promise<string> =>
      server.outcome('write', 'ssh/creds/r', { data: { ip: '10.0.0.1' } });
    conflicts = 3;
    assert.equal(await lend(), 'ok');
    const many = Array.from({ length: 5 }, lend);
    const refused = Array.from({ length: 3 }, () => 'lease_count_exceeded');
    assert.deepEqual((await Promise.all(many)).sort(), [...refused, 'ok', 'ok']);
    await server.instance.close();
  });

  test('many who change one record lose nothing', async () => {
    const server = await openInstance();
    const versions = await Promise.all(
      Array.from(
        { length: 40 },
        async (_, at) => (await server.get('write', PATH, written(`${at}`)))['version'],
      ),
    );
    assert.deepEqual(
      versions.map(Number).sort((a, b) => a - b),
      Array.from({ length: 40 }, (_, at) => at + 1),
    );
    await server.instance.close();
  });
});

suite('a sealed server', () => {
  test('keeps the shares that it was given when it is sealed again', async () => {
    const server = await openInstance();
    const sharing = { secret_shares: 2, secret_threshold: 2 };
    const { nonce } = await server.get('write', 'sys/rekey/init', { data: sharing });
    const key = server.shares[0]?.toString('hex') ?? '';
    const asking = { data: { key, nonce: String(nonce) } };
    const { keys } = await server.get('write', 'sys/rekey/update', asking);
    await server.ask('write', 'sys/seal');
    const [first = ''] = keys as string[];
    const given = await server.get('write', 'sys/unseal', { token: null, data: { key: first } });
    assert.equal(given['progress'], 1);
    assert.equal(await server.outcome('write', 'sys/seal', { token: null }), 'ok');
    const kept = await server.get('read', 'sys/seal-status', { token: null });
    assert.deepEqual([kept['progress'], kept['nonce']], [1, given['nonce']]);
    await server.instance.close();
  });

  test('answers what tells its state, and nothing else, to nobody', async () => {
    const server = await openInstance();
    const token = await server.makeToken();
    await server.ask('write', 'sys/seal');
    for (const path of ['sys/health', 'sys/seal-status', 'sys/leader']) {
      assert.equal(await server.outcome('read', path, { token: null }), 'ok', path);
    }
    for (const [operation, path] of [
      ['read', PATH],
      ['write', PATH],
      ['read', 'sys/mounts'],
      ['read', 'auth/token/lookup-self'],
      ['write', 'auth/userpass/login/x'],
      ['write', 'sys/wrapping/unwrap'],
      ['list', 'sys/namespaces/'],
      ['read', 'nowhere'],
    ] as const) {
      for (const who of [token, null]) {
        assert.equal(await server.outcome(operation, path, { token: who }), 'sealed', path);
      }
    }
    for (const share of server.shares) await server.instance.unsealer.submit(Buffer.from(share));
    await server.instance.serve();
    assert.equal(await server.outcome('read', 'auth/token/lookup-self', { token }), 'ok');
    await server.instance.close();
  });

  test('fails what was under way, and keeps what was acknowledged', async () => {
    const server = await openInstance();
    const writing = Array.from({ length: 30 }, (_, at) =>
      server.outcome('write', `secret/data/s${at}`, written('x')),
    );
    const sealing = server.instance.seal();
    const outcomes = await Promise.all(writing);
    await sealing;
    for (const share of server.shares) await server.instance.unsealer.submit(Buffer.from(share));
    await server.instance.serve();
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome === 'ok') assert.equal(await server.outcome('read', `secret/data/s${at}`), 'ok');
      else assert.equal(outcome, 'sealed');
    }
    await server.instance.close();
  });
});

suite('the order of the checks', () => {
  test('a rate limit refuses before the body is read (CVE-2025-12044)', async () => {
    const server = await openInstance();
    await server.get('write', 'sys/quotas/rate-limit/few', {
      data: { rate: 2, interval: '1m', path: 'secret/' },
    });
    let bodies = 0;
    const readBody = async (): Promise<{ data: object }> => {
      bodies++;
      return { data: {} };
    };
    const outcomes: string[] = [];
    for (let count = 0; count < 5; count++) {
      outcomes.push(await server.outcome('write', PATH, { call: { readBody: readBody as never } }));
    }
    assert.deepEqual(outcomes, ['ok', 'ok', 'rate_limited', 'rate_limited', 'rate_limited']);
    assert.equal(bodies, 2);
    await server.instance.close();
  });

  test('without a token, what exists and what does not look alike (CVE-2020-25594)', async () => {
    const server = await openInstance();
    for (const token of [null, 'garbage']) {
      const answers = await Promise.all(
        [
          'secret/data/a',
          'secret/data/nope',
          'nope/x',
          'sys/mounts',
          'sys/nope',
          'auth/nope/x',
        ].map(async (path) => {
          const { error } = await server.ask('read', path, { token });
          return `${error?.code} ${error?.message}`;
        }),
      );
      assert.equal(new Set(answers).size, 1, answers.join('\n'));
    }
    await server.instance.close();
  });

  test('nobody is asked for a token to hear that there is nothing below a login', async () => {
    const server = await openInstance();
    await server.get('write', 'sys/auth/people', { data: { type: 'userpass' } });
    const outcome = (operation: 'write' | 'scan', path: string): Promise<string> =>
      server.outcome(operation, path, { token: null });
    assert.equal(await outcome('write', 'auth/people/login/ann/more'), 'not_found');
    assert.equal(await outcome('scan', 'auth/people/login/ann/'), 'not_found');
    assert.equal(await outcome('write', 'auth/people/users/ann/more'), 'permission_denied');
    await server.instance.close();
  });

  test('wrong parameters are told only to whoever may use the path', async () => {
    const server = await openInstance();
    const token = await server.makeToken({ policies: ['default'] });
    const data = { lease_id: ['x'] };
    await server.get('write', 'sys/policies/acl/none', {
      data: { policy: 'path "x" { capabilities = ["read"] }' },
    });
    const nobody = await server.tokenFor('none');
    assert.equal(
      await server.outcome('write', 'sys/leases/lookup', { token, data }),
      'invalid_request',
    );
    assert.equal(
      await server.outcome('write', 'sys/leases/lookup', { token: nobody, data }),
      'permission_denied',
    );
    await server.instance.close();
  });

  test('a handler that crashes answers without a word, and the server lives', async () => {
    const server = await openInstance();
    await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
    server.target.make = () => {
      throw new TypeError('secret detail');
    };
    const { error } = await server.ask('read', 'lend/creds/60/60');
    assert.ok(error instanceof RequestError);
    assert.equal(error.code, 'internal');
    assert.equal(error.message.includes('secret detail'), false);
    assert.equal(await server.outcome('read', 'sys/mounts'), 'ok');
    await server.instance.close();
  });
});

suite('a listing of nothing', () => {
  test('is not found, unless there is something to tell', async () => {
    const server = await openInstance();
    try {
      for (const path of ['cubbyhole/none/', 'secret/metadata/none/', 'auth/token/roles/']) {
        const without = await server.ask('list', path);
        assert.deepEqual(without.reply?.data?.['keys'] ?? [], []);
        assert.equal(without.reply?.warnings, undefined);
        const { reply } = await server.ask('list', path, { data: { unknown: '1' } });
        assert.deepEqual(reply?.data, {}, path);
        assert.equal(reply?.warnings?.length, 1, path);
      }
    } finally {
      await server.instance.close();
    }
  });
});

suite('help', () => {
  test('describes what is there, and nothing else', async () => {
    const server = await openInstance();
    try {
      for (const path of ['sys/mounts', 'sys', 'secret/data/a', 'auth/token/create']) {
        const { help, openapi, see_also } = await server.get('help', path);
        assert.equal(typeof help, 'string', path);
        assert.ok(Object.keys((openapi as { paths: object }).paths).length > 0, path);
        assert.equal(see_also, null);
      }
      for (const path of ['sys/none', 'identity/none', 'none', 'auth/none']) {
        const { error } = await server.ask('help', path);
        assert.deepEqual([error?.code, error?.message === ''], ['not_found', false], path);
      }
    } finally {
      await server.instance.close();
    }
  });
});
