/** Sealing and stopping while the store does not answer, and coming back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { StorageError } from '../../storage/storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

const BOUND_MS = 2_000;
const AGAIN_MS = 1_000;

/** A store that from {@link stop} on answers no list, until {@link goOn}. */
class Slow {
  readonly storage: Storage;
  /** Reads that fail from now on. */
  failing = 0;
  #answers = Promise.resolve();
  #asked = (): void => {};
  goOn = (): void => {};

  constructor() {
    const inner = createMemoryStorage();
    this.storage = {
      read: (keys) => {
        if (this.failing === 0) return inner.read(keys);
        this.failing -= 1;
        return Promise.reject(new StorageError('no answer in time'));
      },
      list: async (prefix, page) => {
        this.#asked();
        await this.#answers;
        return await inner.list(prefix, page);
      },
      commit: (commit) => inner.commit(commit),
      close: () => inner.close(),
    };
  }

  /** Resolves when somebody waits for an answer. */
  async stop(): Promise<void> {
    const hanging = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    this.#answers = hanging.promise;
    this.goOn = hanging.resolve;
    this.#asked = asked.resolve;
    await asked.promise;
  }
}

/** A server that looks for what is due, which the store does not tell it. */
async function waiting(): Promise<{ server: OpenInstance; slow: Slow }> {
  const slow = new Slow();
  const server = await openInstance({ storage: slow.storage });
  await server.makeToken({ ttl: '30s' });
  const stopped = slow.stop();
  server.clock.advance(30_000);
  await stopped;
  return { server, slow };
}

async function unseal({ instance, shares }: OpenInstance): Promise<void> {
  for (const share of shares) await instance.unsealer.submit(Buffer.from(share));
}

async function answersAgain(server: OpenInstance): Promise<void> {
  const data = { data: { data: { k: 'x' } } };
  assert.equal(await server.outcome('write', 'secret/data/a', data), 'ok');
  await server.makeToken({ ttl: '30s' });
  await server.pass(30);
}

test('sealing wipes the keys in time, and the next service begins when the last is over', async () => {
  const { server, slow } = await waiting();
  const sealing = server.instance.seal();
  assert.equal(server.instance.sealed, false);
  server.clock.advance(BOUND_MS);
  await sealing;
  assert.equal(server.instance.sealed, true);
  await unseal(server);
  const serving = server.instance.serve();
  assert.equal(await server.outcome('read', 'secret/data/a'), 'sealed');
  slow.goOn();
  await serving;
  await answersAgain(server);
  await server.instance.close();
});

test('a start that waits for the last service is overtaken by another end', async () => {
  const { server, slow } = await waiting();
  const sealing = server.instance.seal();
  server.clock.advance(BOUND_MS);
  await sealing;
  await unseal(server);
  const refused = assert.rejects(server.instance.serve(), /sealed/);
  const again = server.instance.seal();
  server.clock.advance(BOUND_MS);
  await again;
  slow.goOn();
  await refused;
  assert.equal(server.instance.sealed, true);
  assert.equal(await server.outcome('read', 'secret/data/a'), 'sealed');
  await unseal(server);
  await server.instance.serve();
  await answersAgain(server);
  await server.instance.close();
});

test('stopping wipes the keys in time as well', async () => {
  const { server, slow } = await waiting();
  const closing = server.instance.close();
  assert.equal(server.instance.sealed, false);
  server.clock.advance(BOUND_MS);
  const wiped = Promise.withResolvers<void>();
  setImmediate(wiped.resolve);
  await wiped.promise;
  assert.equal(server.instance.sealed, true);
  slow.goOn();
  await closing;
});

test('a server that could not go into service when it was unsealed goes into it as soon as the store answers', async () => {
  const slow = new Slow();
  const server = await openInstance({ storage: slow.storage });
  await server.instance.seal();
  await unseal(server);
  slow.failing = 2;
  await assert.rejects(server.instance.serve(), StorageError);
  assert.equal(await server.outcome('read', 'secret/data/a'), 'sealed');
  server.clock.advance(AGAIN_MS);
  await assert.rejects(server.instance.serve(), StorageError);
  server.clock.advance(AGAIN_MS);
  await server.instance.serve();
  await answersAgain(server);
  await server.instance.close();
});

test('it is not tried any more once the server is sealed', async () => {
  const slow = new Slow();
  const server = await openInstance({ storage: slow.storage });
  await server.instance.seal();
  await unseal(server);
  slow.failing = 1;
  await assert.rejects(server.instance.serve(), StorageError);
  await server.instance.seal();
  server.clock.advance(AGAIN_MS);
  assert.equal(server.instance.sealed, true);
  assert.equal(await server.outcome('read', 'secret/data/a'), 'sealed');
  await server.instance.close();
});
