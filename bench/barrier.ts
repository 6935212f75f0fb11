/** CPU per operation of the barrier over a store in memory: `bin/node bench/barrier.ts [operations]`. */
import { silentLog } from '../src/base/log.ts';
import { systemClock } from '../src/base/clock.ts';
import { systemRandom } from '../src/base/random.ts';
import { Barrier } from '../src/barrier/barrier.ts';
import { HmacKey } from '../src/crypto/hmac.ts';
import { XAES_NONCE_BYTES, XAES_TAG_BYTES, XaesKey } from '../src/crypto/xaes.ts';
import { createMemoryStorage } from '../src/storage/memory/memory-storage.ts';

const OPERATIONS = Number(process.argv[2] ?? 50_000);
const WARM_UP = 5_000;
const SECRET_BYTES = 200;
const RECORDS = 1_000;

/** Runs `operation` with a running number and prints its CPU time. */
async function measure(
  name: string,
  operation: (index: number) => unknown,
  operations: number = OPERATIONS,
): Promise<void> {
  for (let index = 0; index < Math.min(WARM_UP, operations); index++) await operation(index);
  const start = process.cpuUsage();
  const startMs = performance.now();
  for (let index = 0; index < operations; index++) await operation(index);
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(start);
  const cpu = ((user + system) / operations).toFixed(1);
  console.log(
    `${name.padEnd(44)} ${cpu.padStart(7)} µs CPU  ${((wallMs * 1000) / operations).toFixed(1).padStart(7)} µs`,
  );
}

const secret = JSON.stringify({ password: 'x'.repeat(SECRET_BYTES - 15) });
const plaintext = Buffer.from(secret);
const additional = Buffer.alloc(110, 1);
const record = Buffer.alloc(XAES_NONCE_BYTES + plaintext.length + XAES_TAG_BYTES);
const aead = new XaesKey(Buffer.alloc(32, 1));
const hmac = new HmacKey(Buffer.alloc(32, 2));
await measure(`XAES-256-GCM seal, ${plaintext.length} bytes`, () =>
  aead.seal(record, 0, plaintext, additional),
);
await measure(`XAES-256-GCM open, ${plaintext.length} bytes`, () =>
  aead.open(record, 0, additional),
);
await measure('HMAC-SHA-256 of a token, hex', () =>
  hmac.digestText('hvs.0123456789abcdefghijklmnop', 'hex'),
);

const rootKey = Buffer.alloc(32, 3);
const barrier = new Barrier({
  storage: createMemoryStorage(),
  world: {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    fatal: (reason) => {
      throw new Error(reason);
    },
  },
});
await barrier.initialize(rootKey);
await barrier.unseal(rootKey);
const VIEW = ['root', 'logical/0123456789ab/'] as const;

await measure('commit of 1 blind put', async (index) => {
  const unit = barrier.begin();
  unit.view(...VIEW).put(`versions/app/${index % RECORDS}`, secret);
  await unit.commit();
});
await measure('commit of 1 new record', async () => {
  const unit = barrier.begin();
  unit.view(...VIEW).putNew(`ids/${process.hrtime.bigint()}`, secret);
  await unit.commit();
});
await measure('read 1, put 2, commit', async (index) => {
  const unit = barrier.begin();
  const view = unit.view(...VIEW);
  await view.getRecord(`versions/app/${index % RECORDS}`);
  view.put(`versions/app/${index % RECORDS}`, secret);
  view.put(`metadata/app/${index % RECORDS}`, secret);
  await unit.commit();
});
await measure('get', (index) =>
  barrier
    .begin()
    .view(...VIEW)
    .get(`versions/app/${index % RECORDS}`),
);
await measure('getJson', (index) =>
  barrier
    .begin()
    .view(...VIEW)
    .getJson(`versions/app/${index % RECORDS}`),
);
await measure('getRecord, held', (index) =>
  barrier
    .begin()
    .view(...VIEW)
    .getRecord(`versions/app/${index % RECORDS}`),
);
await measure('getRecords of 4, held', (index) =>
  barrier
    .begin()
    .view(...VIEW)
    .getRecords([0, 1, 2, 3].map((each) => `versions/app/${(index + each) % RECORDS}`)),
);
const bump = barrier.begin();
bump.bumpEpoch('policies');
await bump.commit();
await measure('epoch', () => barrier.begin().epoch('policies'));
