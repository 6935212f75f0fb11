/** The life of a seal: initialize, unseal, rekey, generate a root token, with both kinds of seal. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../base/clock.ts';
import { TEST_WORLD } from '../barrier/barrier-fixture.ts';
import { Barrier } from '../barrier/barrier.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { Storage } from '../storage/storage.ts';
import type { Seal } from './seal.ts';
import { ATTEMPT_IDLE_MS_MAX } from './seal-state.ts';
import { encodeShares, parseShare } from './shares.ts';
import { createShamirSeal } from './shamir/shamir-seal.ts';
import { createStaticSeal } from './static/static-seal.ts';
import { Unsealer } from './unsealer.ts';

const { random } = TEST_WORLD;
const SHARING = { shares: 5, threshold: 3 };
const VIEW = ['root', 'kv/'] as const;
const WRONG = { code: 'invalid_request', message: /invalid key/ };

interface Server {
  readonly storage: Storage;
  readonly barrier: Barrier;
  readonly unsealer: Unsealer;
  readonly clock: { nowMs: number };
}

function server(seal: Seal, storage: Storage = createMemoryStorage(), sealBefore?: Seal): Server {
  const clock = { nowMs: 0 };
  const testClock: Clock = { ...TEST_WORLD.clock, monotonicMs: () => clock.nowMs };
  const world = { ...TEST_WORLD, clock: testClock };
  const barrier = new Barrier({ storage, world });
  return {
    storage,
    barrier,
    unsealer: new Unsealer({ barrier, storage, seal, sealBefore, world }),
    clock,
  };
}

function staticKey(value: number): { id: string; key: Buffer } {
  return { id: `key-${value}`, key: Buffer.alloc(32, value) };
}

async function nothing(): Promise<void> {}

async function makeNone(): Promise<string> {
  assert.fail('a token was made');
}

/** Takes a one-time password off an encoded token. */
function decodeToken(encoded: string, otp: string): string {
  const bytes = Buffer.from(encoded, 'base64');
  return Buffer.from(bytes.map((byte, index) => byte ^ otp.charCodeAt(index))).toString();
}

function staticSeal(byte = 1, previousByte?: number): Seal {
  return createStaticSeal(
    previousByte === undefined
      ? { current: staticKey(byte) }
      : { current: staticKey(byte), previous: staticKey(previousByte) },
    random,
  );
}

function copy(shares: readonly Buffer[], index: number): Buffer {
  return Buffer.from(shares[index] ?? assert.fail('no such share'));
}

async function initialized(seal: Seal): Promise<Server & { shares: readonly Buffer[] }> {
  const made = server(seal);
  const request = seal.unattended ? { recoverySharing: SHARING } : { sharing: SHARING };
  const result = await made.unsealer.init(request, async () => {
    const unit = made.barrier.begin();
    unit.view(...VIEW).put('first', 'kept');
    await unit.commit();
  });
  return { ...made, shares: seal.unattended ? result.recoveryShares : result.shares };
}

async function unsealed(): Promise<Server & { shares: readonly Buffer[] }> {
  const made = await initialized(createShamirSeal(random));
  for (const index of [4, 0, 2]) await made.unsealer.submit(copy(made.shares, index));
  return made;
}

async function unseal({ unsealer }: Server, shares: readonly Buffer[]): Promise<boolean> {
  for (const index of shares.keys()) {
    await unsealer.submit(copy(shares, index));
    if (!unsealer.sealed) return true;
  }
  return false;
}

async function kept({ barrier }: Server): Promise<string | undefined> {
  return (
    await barrier
      .begin()
      .view(...VIEW)
      .get('first')
  )?.toString();
}

describe('initialization', () => {
  test('leaves a sealed server with everything that the set-up wrote', async () => {
    const made = await initialized(createShamirSeal(random));
    const { unsealer, shares } = made;
    assert.equal(shares.length, 5);
    assert.ok(shares.every((share) => share.length === 33));
    const status = await unsealer.status();
    assert.deepEqual(status, {
      type: 'shamir',
      initialized: true,
      sealed: true,
      t: 3,
      n: 5,
      progress: 0,
      nonce: '',
      recoverySeal: false,
      migration: false,
    });
    assert.equal(await unseal(made, shares), true);
    assert.equal(await kept(made), 'kept');
  });

  test('one share is the unseal key itself', async () => {
    const made = server(createShamirSeal(random));
    const { shares } = await made.unsealer.init(
      { sharing: { shares: 1, threshold: 1 } },
      async () => undefined,
    );
    assert.equal(shares[0]?.length, 32);
    assert.equal(await unseal(made, shares), true);
  });

  test('leaves nothing when the set-up fails', async () => {
    const { unsealer, storage, barrier } = server(createShamirSeal(random));
    await assert.rejects(
      unsealer.init({ sharing: SHARING }, async () => {
        throw new Error('no mounts');
      }),
      /no mounts/,
    );
    assert.deepEqual(await storage.list(''), []);
    assert.equal(barrier.sealed, true);
    assert.throws(() => barrier.begin().view(...VIEW), { code: 'sealed' });
  });

  test('happens once', async () => {
    const { unsealer } = await initialized(createShamirSeal(random));
    await assert.rejects(
      unsealer.init({ sharing: SHARING }, async () => undefined),
      { code: 'invalid_request', message: /already initialized/ },
    );
  });

  test('refuses impossible sharings and what it cannot do', async () => {
    const shamir = server(createShamirSeal(random)).unsealer;
    for (const [shares, threshold] of [
      [0, 0],
      [-1, 1],
      [1, 2],
      [5, 1],
      [256, 3],
      [2, 0],
    ] as const) {
      await assert.rejects(shamir.init({ sharing: { shares, threshold } }, nothing), {
        code: 'invalid_request',
        message: /invalid seal configuration/,
      });
    }
    for (const request of [
      { sharing: SHARING, pgpKeys: ['a', 'b', 'c', 'd', 'e'] },
      { sharing: SHARING, rootTokenPgpKey: 'a' },
      { sharing: SHARING, recoverySharing: SHARING },
    ]) {
      await assert.rejects(shamir.init(request, nothing), { code: 'invalid_request' });
    }
    const unattended = server(staticSeal()).unsealer;
    await assert.rejects(unattended.init({ sharing: SHARING }, nothing), /not applicable/);
  });
});

describe('unsealing', () => {
  test('counts different shares and can start over', async () => {
    const { unsealer, shares } = await initialized(createShamirSeal(random));
    await unsealer.submit(copy(shares, 0));
    const first = await unsealer.status();
    assert.equal(first.progress, 1);
    assert.match(first.nonce, /^[0-9a-f-]{36}$/);
    await unsealer.submit(copy(shares, 0));
    const again = await unsealer.status();
    assert.equal(again.progress, 1);
    assert.equal(again.nonce, first.nonce);
    unsealer.reset();
    const { progress, nonce } = await unsealer.status();
    assert.deepEqual({ progress, nonce }, { progress: 0, nonce: '' });
  });

  test('one wrong share fails like all wrong, and the attempt starts over', async () => {
    const made = await initialized(createShamirSeal(random));
    const { unsealer, shares } = made;
    const stranger = Buffer.alloc(33, 0x33);
    const messages = new Set<string>();
    for (const wrongAt of [[0], [1], [2], [0, 1, 2]]) {
      for (const index of [0, 1]) {
        const share = wrongAt.includes(index) ? Buffer.alloc(33, index + 1) : copy(shares, index);
        await unsealer.submit(share);
      }
      const last = wrongAt.includes(2) ? Buffer.from(stranger) : copy(shares, 2);
      await assert.rejects(unsealer.submit(last), (error: Error) => {
        messages.add(error.message);
        return /invalid key/.test(error.message);
      });
      assert.equal((await unsealer.status()).progress, 0);
    }
    assert.ok(messages.size <= 2, 'the text does not depend on which share was wrong');
    assert.equal(await unseal(made, shares), true);
  });

  test('wipes what was submitted, right or wrong', async () => {
    const { unsealer, shares } = await initialized(createShamirSeal(random));
    const submitted = [copy(shares, 0), copy(shares, 0), copy(shares, 1), Buffer.alloc(33, 9)];
    for (const share of submitted) await unsealer.submit(share).catch(() => undefined);
    for (const share of submitted) assert.ok(share.every((byte) => byte === 0));
  });

  test('answers an open server with its status and refuses to reset it', async () => {
    const { unsealer, shares } = await unsealed();
    await unsealer.submit(copy(shares, 1));
    assert.equal((await unsealer.status()).sealed, false);
    assert.throws(() => unsealer.reset(), { code: 'invalid_request' });
  });

  test('share texts are hexadecimal or base64 of 16 to 33 bytes', () => {
    const bytes = Buffer.alloc(33, 0xab);
    assert.deepEqual(parseShare(bytes.toString('hex')), bytes);
    assert.deepEqual(parseShare(bytes.toString('base64')), bytes);
    const { keys, keysBase64 } = encodeShares([Buffer.from(bytes)]);
    assert.deepEqual(
      [keys[0], keysBase64[0]].map((text) => parseShare(text ?? '')),
      [bytes, bytes],
    );
    for (const text of ['zz', 'qq', 'abcd', 'ab'.repeat(34), '!', 'A'.repeat(200)]) {
      assert.throws(() => parseShare(text), { code: 'invalid_request' });
    }
  });

  test('a store of another seal is refused', async () => {
    const { storage } = await initialized(createShamirSeal(random));
    const other = server(staticSeal(), storage);
    await assert.rejects(other.unsealer.unsealUnattended(), /seal type shamir/);
  });
});

describe('a static seal', () => {
  test('opens by itself, and its recovery keys do not', async () => {
    const made = await initialized(staticSeal());
    assert.equal(made.barrier.sealed, false);
    assert.equal(await kept(made), 'kept');
    made.unsealer.seal();
    await assert.rejects(made.unsealer.submit(copy(made.shares, 0)), /unseals itself/);
    assert.equal(await made.unsealer.unsealUnattended(), true);
    assert.equal((await made.unsealer.status()).recoverySeal, true);
    // Who is about to initialise a server asks before, and gives recovery shares or key shares accordingly.
    const fresh = server(staticSeal());
    assert.equal((await fresh.unsealer.status()).recoverySeal, true);
  });

  test('without recovery keys is possible', async () => {
    const made = server(staticSeal());
    const result = await made.unsealer.init({}, async () => undefined);
    assert.deepEqual(result, { shares: [], recoveryShares: [] });
    assert.equal((await made.unsealer.rekey.status()).required, 0);
    for (const start of [
      made.unsealer.rekey.start({ sharing: SHARING }),
      made.unsealer.rootGeneration.start({}),
    ]) {
      await assert.rejects(start, /no recovery keys/);
    }
  });

  test('goes over to a new key and then no longer needs the old one', async () => {
    const { storage } = await initialized(staticSeal(1));
    await assert.rejects(server(staticSeal(2), storage).unsealer.unsealUnattended(), /configured/);
    const both = server(staticSeal(2, 1), storage);
    assert.equal(await both.unsealer.unsealUnattended(), true);
    const after = server(staticSeal(2), storage);
    assert.equal(await after.unsealer.unsealUnattended(), true);
    assert.equal(await kept(after), 'kept');
  });

  test('does not open under another key of the same name', async () => {
    const { storage } = await initialized(staticSeal(1));
    const seal = createStaticSeal({ current: { id: 'key-1', key: Buffer.alloc(32, 9) } }, random);
    await assert.rejects(server(seal, storage).unsealer.unsealUnattended(), /does not open/);
  });

  test('before initialization there is nothing to open', async () => {
    assert.equal(await server(staticSeal()).unsealer.unsealUnattended(), false);
  });
});

describe('moving to another seal', () => {
  test('keeps the shares: from people to a key file and back', async () => {
    const { storage, shares } = await initialized(createShamirSeal(random));
    const wrong = Buffer.alloc(33, 1);
    const toStatic = server(staticSeal(), storage, createShamirSeal(random));
    assert.equal(await toStatic.unsealer.unsealUnattended(), false);
    assert.equal((await toStatic.unsealer.status()).migration, true);
    await assert.rejects(toStatic.unsealer.submit(copy(shares, 0)), /migration is pending/);
    await toStatic.unsealer.submit(copy(shares, 0), true);
    await toStatic.unsealer.submit(copy(shares, 1), true);
    await assert.rejects(toStatic.unsealer.submit(wrong, true), WRONG);
    assert.equal(toStatic.barrier.sealed, true);
    for (const index of [0, 1, 2]) await toStatic.unsealer.submit(copy(shares, index), true);
    assert.equal(await kept(toStatic), 'kept');
    assert.equal((await toStatic.unsealer.status()).migration, false);
    assert.equal(await server(staticSeal(), storage).unsealer.unsealUnattended(), true);

    const toShamir = server(createShamirSeal(random), storage, staticSeal());
    await toShamir.unsealer.submit(copy(shares, 3), true);
    await toShamir.unsealer.submit(copy(shares, 4), true);
    await assert.rejects(toShamir.unsealer.submit(Buffer.alloc(33, 7), true), WRONG);
    assert.equal(toShamir.barrier.sealed, true);
    for (const index of [4, 3, 0]) await toShamir.unsealer.submit(copy(shares, index), true);
    assert.equal(await kept(toShamir), 'kept');
    const after = server(createShamirSeal(random), storage);
    assert.equal(await unseal(after, shares), true);
    const { nonce } = await after.unsealer.rekey.start({ sharing: SHARING });
    for (const index of [0, 1]) await after.unsealer.rekey.update(copy(shares, index), nonce);
    const done = await after.unsealer.rekey.update(copy(shares, 2), nonce);
    assert.equal(done?.shares.length, 5);
  });

  test('needs a seal to leave', async () => {
    const { unsealer, shares } = await initialized(createShamirSeal(random));
    await assert.rejects(unsealer.submit(copy(shares, 0), true), /no migration seal/);
  });
});

describe('rekeying', () => {
  test('replaces shares and root key', async () => {
    const made = await unsealed();
    const { rekey } = made.unsealer;
    const before = made.barrier.copyRootKey();
    const { nonce, required } = await rekey.start({ sharing: { shares: 4, threshold: 2 } });
    assert.equal(required, 3);
    assert.equal(await rekey.update(copy(made.shares, 0), nonce), undefined);
    assert.equal((await rekey.status()).progress, 1);
    await assert.rejects(rekey.update(copy(made.shares, 0), nonce), /already been provided/);
    assert.equal(await rekey.update(copy(made.shares, 1), nonce), undefined);
    const result = await rekey.update(copy(made.shares, 2), nonce);
    assert.equal(result?.shares.length, 4);
    assert.equal((await rekey.status()).started, false);
    assert.notDeepEqual(made.barrier.copyRootKey(), before);
    made.unsealer.seal();
    assert.equal(await unseal(made, made.shares).catch(() => false), false);
    made.unsealer.reset();
    assert.equal(await unseal(made, result?.shares ?? []), true);
    assert.equal(await kept(made), 'kept');
    const { t, n } = await made.unsealer.status();
    assert.deepEqual({ t, n }, { t: 2, n: 4 });
  });

  test('with verification changes nothing before the new shares came back', async () => {
    const made = await unsealed();
    const { rekey } = made.unsealer;
    const { nonce } = await rekey.start({
      sharing: { shares: 3, threshold: 2 },
      requireVerification: true,
    });
    for (const index of [0, 1]) await rekey.update(copy(made.shares, index), nonce);
    const result = await rekey.update(copy(made.shares, 2), nonce);
    assert.equal(result?.verificationRequired, true);
    const { shares, verificationNonce } = result ?? assert.fail('no result');
    await assert.rejects(
      rekey.update(copy(made.shares, 3), nonce),
      /verification must be performed/,
    );
    await assert.rejects(rekey.verify(copy(shares, 0), 'bogus'), /incorrect nonce/);
    assert.equal(await rekey.verify(copy(shares, 0), verificationNonce), undefined);
    const restarted = await rekey.restartVerification();
    assert.equal(restarted.progress, 0);
    await assert.rejects(rekey.verify(copy(shares, 0), verificationNonce), /incorrect nonce/);
    await rekey.verify(copy(shares, 0), restarted.nonce);
    await assert.rejects(rekey.verify(Buffer.alloc(33, 5), restarted.nonce), /verification failed/);
    assert.equal((await made.unsealer.status()).t, 3, 'still the old shares');
    const second = (await rekey.verificationStatus()).nonce;
    assert.equal(new Set([second, verificationNonce, restarted.nonce]).size, 3);
    await rekey.verify(copy(shares, 2), second);
    assert.deepEqual(await rekey.verify(copy(shares, 1), second), { nonce: second });
    await assert.rejects(rekey.verificationStatus(), { code: 'invalid_request' });
    made.unsealer.seal();
    assert.equal(await unseal(made, shares), true);
  });

  test('needs the quorum, the nonce and one attempt at a time', async () => {
    const { unsealer, shares } = await unsealed();
    const { rekey } = unsealer;
    await assert.rejects(rekey.update(copy(shares, 0), 'x'), /no barrier rekey in progress/);
    for (const sharing of [
      { shares: 0, threshold: 0 },
      { shares: 2, threshold: 3 },
    ]) {
      await assert.rejects(rekey.start({ sharing }), { code: 'invalid_request' });
    }
    await assert.rejects(rekey.start({ sharing: SHARING, backup: true }), /backup/);
    await assert.rejects(rekey.start({ sharing: SHARING, pgpKeys: ['a'] }), /not supported/);
    const { nonce } = await rekey.start({ sharing: SHARING });
    await assert.rejects(rekey.start({ sharing: SHARING }), /already in progress/);
    await assert.rejects(rekey.update(copy(shares, 0), 'bogus'), /incorrect nonce/);
    await rekey.update(copy(shares, 0), nonce);
    await rekey.update(copy(shares, 1), nonce);
    await assert.rejects(rekey.update(Buffer.alloc(33, 4), nonce), WRONG);
    assert.equal((await rekey.status()).progress, 0);
    await assert.rejects(rekey.cancel('bogus'), /nonce/);
    await rekey.cancel(nonce);
    assert.equal((await rekey.status()).started, false);
    await rekey.cancel();
  });

  test('an attempt that nobody carries on gives way to the next', async () => {
    const { unsealer, clock } = await unsealed();
    await unsealer.rekey.start({ sharing: SHARING });
    await unsealer.rootGeneration.start({});
    clock.nowMs += ATTEMPT_IDLE_MS_MAX + 1;
    assert.equal((await unsealer.rekey.status()).started, false);
    assert.equal((await unsealer.rootGeneration.status()).started, false);
    await unsealer.rekey.start({ sharing: SHARING });
  });

  test('of recovery keys is for unattended seals', async () => {
    const shamir = await unsealed();
    await assert.rejects(shamir.unsealer.recoveryRekey.status(), /not supported/);
    const made = await initialized(staticSeal());
    const { recoveryRekey, rekey } = made.unsealer;
    const { nonce } = await recoveryRekey.start({ sharing: { shares: 2, threshold: 2 } });
    for (const index of [0, 1]) await recoveryRekey.update(copy(made.shares, index), nonce);
    const result = await recoveryRekey.update(copy(made.shares, 2), nonce);
    assert.equal(result?.shares.length, 2);
    const rootRekey = await rekey.start({ sharing: SHARING });
    assert.equal(rootRekey.required, 2, 'the new recovery keys authorize now');
    await rekey.update(copy(result?.shares ?? [], 0), rootRekey.nonce);
    const done = await rekey.update(copy(result?.shares ?? [], 1), rootRekey.nonce);
    assert.deepEqual(done?.shares, [], 'there is nobody to give the root key to');
    made.unsealer.seal();
    assert.equal(await made.unsealer.unsealUnattended(), true);
  });

  test('rotating the root key keeps the shares', async () => {
    for (const seal of [createShamirSeal(random), staticSeal()]) {
      const made = await initialized(seal);
      if (!seal.unattended) await unseal(made, made.shares);
      const before = made.barrier.copyRootKey();
      await made.unsealer.rotateRoot();
      assert.notDeepEqual(made.barrier.copyRootKey(), before);
      made.unsealer.seal();
      if (seal.unattended) await made.unsealer.unsealUnattended();
      else await unseal(made, made.shares);
      assert.equal(await kept(made), 'kept');
    }
  });
});

describe('generating a root token', () => {
  const TOKEN = 's.0123456789abcdefghijklmn';
  const makeToken = async (): Promise<string> => TOKEN;

  test('gives the token under the one-time password', async () => {
    for (const given of [undefined, 'abcdefghijklmnopqrstuvwxyz']) {
      const { unsealer, shares } = await unsealed();
      const { rootGeneration } = unsealer;
      const start = await rootGeneration.start(given === undefined ? {} : { otp: given });
      const otp = given ?? start.otp;
      assert.equal(otp.length, start.otpLength);
      assert.equal((await rootGeneration.status()).otp, '', 'told once');
      await rootGeneration.update(copy(shares, 0), start.nonce, makeToken);
      await rootGeneration.update(copy(shares, 3), start.nonce, makeToken);
      const done = await rootGeneration.update(copy(shares, 4), start.nonce, makeToken);
      assert.equal(done.complete, true);
      assert.equal(done.encodedToken.includes('='), false);
      assert.equal(decodeToken(done.encodedToken, otp), TOKEN);
      assert.equal((await rootGeneration.status()).started, false);
    }
  });

  test('makes no token without the quorum', async () => {
    const { unsealer, shares } = await unsealed();
    const { rootGeneration } = unsealer;
    await assert.rejects(
      rootGeneration.update(copy(shares, 0), '', makeNone),
      /no root generation/,
    );
    await assert.rejects(rootGeneration.start({ otp: 'short' }), /wrong length/);
    await assert.rejects(rootGeneration.start({ pgpKey: 'x' }), /not supported/);
    const { nonce } = await rootGeneration.start({});
    await assert.rejects(rootGeneration.start({}), /already in progress/);
    await assert.rejects(
      rootGeneration.update(copy(shares, 0), 'bad', makeNone),
      /incorrect nonce/,
    );
    await rootGeneration.update(copy(shares, 0), nonce, makeNone);
    await assert.rejects(rootGeneration.update(copy(shares, 0), nonce, makeNone), /already been/);
    await rootGeneration.update(copy(shares, 1), nonce, makeNone);
    await assert.rejects(rootGeneration.update(Buffer.alloc(33, 5), nonce, makeNone), WRONG);
    assert.equal((await rootGeneration.status()).progress, 0);
    await rootGeneration.cancel();
    assert.equal((await rootGeneration.status()).started, false);
  });

  test('nothing of it works, or is left, when the server is sealed', async () => {
    const made = await unsealed();
    const { unsealer } = made;
    await unsealer.rekey.start({ sharing: SHARING });
    await unsealer.rootGeneration.start({});
    unsealer.seal();
    for (const call of [
      unsealer.rekey.status(),
      unsealer.rekey.start({ sharing: SHARING }),
      unsealer.rekey.cancel(),
      unsealer.rootGeneration.status(),
      unsealer.rootGeneration.start({}),
      unsealer.rotateRoot(),
    ]) {
      await assert.rejects(call, { code: 'sealed' });
    }
    await unseal(made, made.shares);
    assert.equal((await unsealer.rekey.status()).started, false);
    assert.equal((await unsealer.rootGeneration.status()).started, false);
  });
});
