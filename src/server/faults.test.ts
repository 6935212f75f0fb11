/**
 * Storage that fails at any of its calls, before or after its effect: what was answered with success is there, what failed
 * before its effect has left nothing, and the same server and the next one go on from whole records.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createFaultyStorage } from '../storage/faulty.ts';
import type { Fault } from '../storage/faulty.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { openInstance, restarted } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

interface Flow {
  readonly name: string;
  /** What must be there before; its result is handed on. */
  readonly prepare: (server: OpenInstance) => Promise<string>;
  /** `ok` or the code of the error. */
  readonly act: (server: OpenInstance, prepared: string) => Promise<string>;
  /** What can be seen of it afterwards: `before`, `after`, or anything else, which is half of both. */
  readonly state: (server: OpenInstance, prepared: string) => Promise<string>;
}

const seen = (done: boolean, undone: boolean): string =>
  done === undone ? 'neither or both' : done ? 'after' : 'before';
const text = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

async function secretOf(server: OpenInstance): Promise<string> {
  const { data } = await server.get('read', 'secret/data/a');
  return text((data as { k: string }).k);
}

const FLOWS: readonly Flow[] = [
  {
    name: 'a secret is written',
    prepare: async (server) => {
      await server.get('write', 'secret/data/a', { data: { data: { k: 'old' } } });
      return '';
    },
    act: (server) => server.outcome('write', 'secret/data/a', { data: { data: { k: 'new' } } }),
    state: async (server) => {
      const { current_version: version } = await server.get('read', 'secret/metadata/a');
      const value = await secretOf(server);
      return seen(
        value === 'new' && Number(version) === 2,
        value === 'old' && Number(version) === 1,
      );
    },
  },
  {
    name: 'a token is created',
    prepare: async () => '',
    act: (server) =>
      server.outcome('write', 'auth/token/create', { data: { display_name: 'x', ttl: '1h' } }),
    state: async (server) => {
      const { keys } = await server.get('list', 'auth/token/accessors/');
      const names: unknown[] = [];
      for (const accessor of keys as string[]) {
        const shown = await server.get('write', 'auth/token/lookup-accessor', {
          data: { accessor },
        });
        names.push(shown['display_name']);
      }
      const leases = await server.ask('list', 'sys/leases/lookup/auth/token/create/');
      const count = (leases.reply?.data?.['keys'] as string[] | undefined)?.length ?? 0;
      return seen(
        names.includes('token-x') && count === 2,
        !names.includes('token-x') && count === 1,
      );
    },
  },
  {
    name: 'a token is revoked with its child',
    prepare: async (server) => {
      const token = await server.makeToken({ policies: ['root'], no_parent: true });
      await server.get('write', 'cubbyhole/x', {
        token,
        data: { child: await server.makeToken({ policies: ['root'] }, { token }) },
      });
      return token;
    },
    act: (server, token) => server.outcome('write', 'auth/token/revoke', { data: { token } }),
    state: async (server, token) => {
      const alive = (await server.outcome('read', 'auth/token/lookup-self', { token })) === 'ok';
      const cubbyhole = await server.outcome('read', 'cubbyhole/x', { token });
      return seen(!alive && cubbyhole === 'permission_denied', alive && cubbyhole === 'ok');
    },
  },
  {
    name: 'an answer is unwrapped',
    prepare: async (server) => {
      await server.get('write', 'secret/data/a', { data: { data: { k: 'v' } } });
      return (await server.ask('read', 'secret/data/a', { wrapTtlSeconds: 60 })).wrap?.token ?? '';
    },
    act: (server, token) => server.outcome('write', 'sys/wrapping/unwrap', { data: { token } }),
    state: async (server, token) => {
      const found = await server.outcome('write', 'sys/wrapping/lookup', { data: { token } });
      return seen(found === 'invalid_request', found === 'ok');
    },
  },
  {
    name: 'a use of a token is counted',
    prepare: (server) => server.makeToken({ num_uses: 5 }),
    act: (server, token) => server.outcome('read', 'sys/mounts', { token }),
    state: async (server, token) => {
      const { num_uses: left } = await server.get('write', 'auth/token/lookup', {
        data: { token },
      });
      return seen(left === 4, left === 5);
    },
  },
  {
    name: 'an engine is mounted',
    prepare: async () => '',
    act: (server) => server.outcome('write', 'sys/mounts/kv', { data: { type: 'kv' } }),
    state: async (server) => {
      const listed = 'kv/' in (await server.get('read', 'sys/mounts'));
      const works = (await server.outcome('write', 'kv/a', { data: { k: 'v' } })) === 'ok';
      return seen(listed && works, !listed && !works);
    },
  },
  {
    name: 'a namespace is made',
    prepare: async () => '',
    act: (server) => server.outcome('write', 'sys/namespaces/one'),
    state: async (server) => {
      const { keys } = await server.get('list', 'sys/namespaces/');
      const listed = (keys as string[]).includes('one/');
      const namespace = 'one/';
      const works =
        (await server.outcome('write', 'sys/mounts/kv', { namespace, data: { type: 'kv' } })) ===
          'ok' &&
        (await server.outcome('write', 'kv/a', { namespace, data: { k: 'v' } })) === 'ok' &&
        (await server.outcome('read', 'sys/policies/acl/default', { namespace })) === 'ok';
      return seen(listed && works, !listed && !works);
    },
  },
  {
    name: 'a secret is lent',
    prepare: async (server) => {
      await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
      return '';
    },
    act: (server) => server.outcome('read', 'lend/creds/60/60'),
    state: async (server) => {
      const { reply } = await server.ask('list', 'sys/leases/lookup/lend/creds/60/60/');
      const [name] = (reply?.data?.['keys'] as string[] | undefined) ?? [];
      if (name === undefined) return server.target.live.size === 0 ? 'before' : 'nobody holds it';
      const id = `lend/creds/60/60/${name}`;
      return (await server.outcome('write', 'sys/leases/revoke', { data: { lease_id: id } })) ===
        'ok'
        ? 'after'
        : 'half';
    },
  },
];

/** Runs a flow with a fault at one call of the storage; false when it makes fewer calls. */
async function failAt(flow: Flow, target: number, fault: Fault): Promise<boolean> {
  const where = `call ${target}, ${fault}`;
  const storage = createMemoryStorage();
  let armed = Number.POSITIVE_INFINITY;
  const faulty = createFaultyStorage(storage, () => (--armed === 0 ? fault : undefined));
  const server = await openInstance({ storage: faulty });
  const prepared = await flow.prepare(server);
  armed = target;
  const outcome = await flow.act(server, prepared);
  const reached = armed <= 0;
  armed = Number.POSITIVE_INFINITY;
  // In turn the same server goes on, with what it remembers, and another one that knows only what is stored.
  const goesOn = (target + (fault === 'after' ? 1 : 0)) % 2 === 0;
  const next = goesOn ? server : await restarted(server, storage);
  await next.pass(0);
  const state = await flow.state(next, prepared);
  const who = `${where}, ${outcome}, ${goesOn ? 'same' : 'restarted'}: ${state}`;
  // A fault of the clean-up afterwards is told too: what was asked for has happened then.
  if (outcome === 'ok') assert.equal(state, 'after', who);
  else assert.ok(state === 'before' || state === 'after', who);
  await next.instance.close();
  return reached;
}

suite('whatever call of the storage fails', () => {
  for (const flow of FLOWS) {
    for (const fault of ['before', 'after'] as const) {
      test(`${flow.name}, or not: fault ${fault} the effect`, async () => {
        let calls = 0;
        while (await failAt(flow, calls + 1, fault)) calls++;
        assert.ok(calls > 0);
      });
    }
  }
});
