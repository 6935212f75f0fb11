/** Units: what a handler may rely on when it reads and writes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestError } from '../model/errors.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { BATCH_MAX, ConflictError, type Storage } from '../storage/storage.ts';
import type { Barrier } from './barrier.ts';
import { openBarrier } from './barrier-fixture.ts';
import type { Transaction } from '../model/transaction.ts';
import { dataKey } from './barrier-unit.ts';

const VIEW = ['root', 'logical/kv/'] as const;

async function write(barrier: Barrier, act: (view: Transaction) => void): Promise<void> {
  const unit = barrier.begin();
  act(unit.view(...VIEW));
  await unit.commit();
}

function view(barrier: Barrier): Transaction {
  return barrier.begin().view(...VIEW);
}

test('what is committed can be read, listed, overwritten and deleted', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  await write(barrier, (kv) => {
    kv.put('a', 'one');
    kv.putJson('b/c', { n: [1, null, 'ü'] });
    kv.putNew('id', Buffer.from([0, 255]));
  });
  assert.equal((await view(barrier).get('a'))?.toString(), 'one');
  assert.deepEqual(await view(barrier).getJson('b/c'), { n: [1, null, 'ü'] });
  assert.deepEqual(await view(barrier).getMany(['id', 'none']), [Buffer.from([0, 255]), undefined]);
  assert.deepEqual(await view(barrier).list(''), ['a', 'b/', 'id']);
  await write(barrier, (kv) => {
    kv.put('a', 'two');
    kv.delete('b/c');
    kv.delete('never was');
  });
  assert.equal((await view(barrier).get('a'))?.toString(), 'two');
  assert.equal(await view(barrier).get('b/c'), undefined);
});

test('a unit sees its own writes and nobody else does before the commit', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  await write(barrier, (kv) => kv.put('a', '1'));
  const unit = barrier.begin();
  const own = unit.view(...VIEW);
  own.putJson('a', { own: true });
  own.putJsonNew('new', 7);
  assert.equal(unit.dirty, true);
  assert.deepEqual(await own.getRecords(['a', 'new', 'gone']), [{ own: true }, 7, undefined]);
  own.delete('a');
  assert.equal(await own.getRecord('a'), undefined);
  assert.equal((await view(barrier).get('a'))?.toString(), '1');
});

test('a second read in a unit gives what the first gave', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  await write(barrier, (kv) => kv.put('a', '1'));
  const reading = view(barrier);
  assert.equal((await reading.get('a'))?.toString(), '1');
  assert.equal(await reading.get('b'), undefined);
  await write(barrier, (kv) => {
    kv.put('a', '2');
    kv.put('b', '2');
  });
  assert.equal((await reading.get('a'))?.toString(), '1');
  assert.deepEqual(await reading.getMany(['b', 'a']), [undefined, Buffer.from('1')]);
});

test('a commit fails when anything it read has changed, even an absence', async () => {
  for (const change of ['present', 'absent', 'aba'] as const) {
    const { barrier } = await openBarrier(createMemoryStorage());
    await write(barrier, (kv) => kv.put('present', '1'));
    const unit = barrier.begin();
    const reading = unit.view(...VIEW);
    await reading.getMany(['present', 'absent']);
    reading.put('result', 'x');
    if (change === 'aba') {
      await write(barrier, (kv) => kv.delete('present'));
      await write(barrier, (kv) => kv.put('present', '1'));
    } else {
      await write(barrier, (kv) => kv.put(change, '2'));
    }
    await assert.rejects(unit.commit(), ConflictError);
    assert.equal(await view(barrier).get('result'), undefined);
  }
});

test('putNew fails when the key exists, and a blind put does not', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  await write(barrier, (kv) => kv.putNew('a', '1'));
  await assert.rejects(
    write(barrier, (kv) => kv.putNew('a', '2')),
    ConflictError,
  );
  await write(barrier, (kv) => kv.put('a', '3'));
  assert.equal((await view(barrier).get('a'))?.toString(), '3');
});

test('a commit without writes asks the store nothing, and a unit commits once', async () => {
  const { barrier, storage } = await openBarrier(countingStorage());
  const unit = barrier.begin();
  await unit.view(...VIEW).get('a');
  await unit.commit();
  assert.equal(storage.calls.commit, 1, 'the initialization alone');
  const writing = barrier.begin();
  writing.view(...VIEW).put('a', '1');
  await writing.commit();
  await assert.rejects(writing.commit(), /committed/);
  assert.throws(() => writing.view(...VIEW).put('a', '2'), /committed/);
});

test('several records cost one read, and preloaded ones none', async () => {
  const { barrier, storage } = await openBarrier(countingStorage());
  await view(barrier).get('warm');
  const before = storage.calls.read;
  const unit = barrier.begin();
  await unit.preload([
    dataKey(...VIEW, 'a'),
    dataKey('root', 'other/', 'b'),
    dataKey(...VIEW, 'c'),
  ]);
  await unit.view(...VIEW).getRecords(['a', 'c']);
  await unit.view('root', 'other/').get('b');
  assert.equal(storage.calls.read - before, 1);
});

test('a decoded record is shared as long as its revision lasts', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  await write(barrier, (kv) => kv.putJson('role', { ttl: 1 }));
  const first = await view(barrier).getRecord<{ ttl: number }>('role');
  assert.equal(await view(barrier).getRecord('role'), first);
  assert.notEqual(await view(barrier).getJson('role'), first);
  await write(barrier, (kv) => kv.putJson('role', { ttl: 2 }));
  assert.deepEqual(await view(barrier).getRecord('role'), { ttl: 2 });
  assert.deepEqual(first, { ttl: 1 });
});

test('numbers keep the text they were written with', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  const text = '{"big":12345678901234567890,"float":1.0}';
  await write(barrier, (kv) => kv.put('n', text));
  assert.equal(JSON.stringify(await view(barrier).getJson('n')), text);
  assert.equal(JSON.stringify(await view(barrier).getRecord('n')), text);
});

test('an epoch grows with every bump, and bumps do not conflict', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  assert.equal(await barrier.begin().epoch('policies'), 0);
  const units = [barrier.begin(), barrier.begin()];
  for (const unit of units) unit.bumpEpoch('policies');
  for (const unit of units) await unit.commit();
  const second = await barrier.begin().epoch('policies');
  const reading = barrier.begin();
  assert.equal(await reading.epoch('policies'), second);
  const unit = barrier.begin();
  unit.bumpEpoch('policies');
  unit.view(...VIEW).put('a', '1');
  await unit.commit();
  assert.equal(await barrier.begin().epoch('policies'), second + 1);
  reading.view(...VIEW).put('b', '1');
  await assert.rejects(reading.commit(), ConflictError, 'the epoch that it read has moved');
});

test('namespaces are created, used in the same unit, and shredded', async () => {
  const { barrier, reopen } = await openBarrier(createMemoryStorage());
  const unit = barrier.begin();
  unit.createNamespaceKey('team');
  unit.view('team', 'kv/').put('a', 'secret');
  await unit.commit();
  await reopen();
  assert.equal((await barrier.begin().view('team', 'kv/').get('a'))?.toString(), 'secret');
  const end = barrier.begin();
  end.shredNamespaceKey('team');
  await end.commit();
  await assert.rejects(async () => barrier.begin().view('team', 'kv/').get('a'), /does not exist/);
  const late = barrier.begin();
  late.view('team', 'kv/').put('b', 'x');
  await assert.rejects(late.commit(), /does not exist/);
});

test('names that could leave their namespace are refused', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  for (const id of ['', 'a/b', '..', 'a b', 'ä', 'x'.repeat(65)]) {
    assert.throws(() => barrier.begin().view(id, ''), RequestError);
  }
});

test('limits are the caller’s mistakes', async () => {
  const { barrier } = await openBarrier(createMemoryStorage());
  const reading = view(barrier);
  for (const key of ['k'.repeat(3000), 'nul\0', '\ud800']) {
    await assert.rejects(async () => reading.get(key), { code: 'invalid_request' });
    await assert.rejects(
      write(barrier, (kv) => kv.put(key, '1')),
      { code: 'invalid_request' },
    );
  }
  assert.throws(() => reading.put('a', Buffer.alloc(5 * 1024 * 1024)), { code: 'body_too_large' });
  await assert.rejects(
    write(barrier, (kv) => {
      for (let index = 0; index <= BATCH_MAX; index++) kv.putNew(`k${index}`, '');
    }),
    { code: 'invalid_request' },
  );
  assert.throws(() => reading.putJson('a', undefined), TypeError);
});

/** A memory store that counts what it is asked. */
function countingStorage(): Storage & { calls: { read: number; commit: number } } {
  const inner = createMemoryStorage();
  const calls = { read: 0, commit: 0 };
  return {
    calls,
    read: (keys) => ((calls.read += 1), inner.read(keys)),
    list: (prefix, page) => inner.list(prefix, page),
    commit: (commit) => ((calls.commit += 1), inner.commit(commit)),
    close: () => inner.close(),
  };
}
