/** Revocation lists: made by the calendar, combined, put together by the caller. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { silentLog } from '../../../base/log.ts';
import { nextPem } from '../../../crypto/pem.ts';
import { EXTENSION_OIDS } from '../../../crypto/x509/extensions.ts';
import { readRevocationList } from '../../../crypto/x509/revocation-list.ts';
import type { RevocationList } from '../../../crypto/x509/revocation-list.ts';
import { overtakenStorage } from '../../../storage/overtaken.testkit.ts';
import type { Storage } from '../../../storage/storage.ts';
import { isAmong } from '../../../core/declared/paths.ts';
import { ACME_PLACES } from '../acme/paths.ts';
import { openMount } from '../verifiers/pki.testkit.ts';
import type { Mount } from '../verifiers/pki.testkit.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function open(storage?: Storage): Promise<Mount> {
  const mount = await openMount(silentLog, storage);
  await mount.write('root/generate/internal', {
    common_name: 'Root',
    key_type: 'ec',
    ttl: '1000h',
    issuer_name: 'root',
  });
  await mount.write('roles/r', { allow_any_name: true, key_type: 'ec', ttl: '500h' });
  return mount;
}

/** Revokes a new certificate. @returns its serial number in hexadecimal */
async function revoke(mount: Mount): Promise<string> {
  const { serial_number: serial } = await mount.write('issue/r', { common_name: 'a.test' });
  await mount.write('revoke', { serial_number: String(serial) });
  return String(serial).replaceAll(':', '');
}

function fromPem(text: unknown): RevocationList {
  const found = nextPem(String(text));
  assert.ok(found !== undefined);
  return readRevocationList(found.block.bytes);
}

function serials({ revoked }: RevocationList): string[] {
  return revoked.map((each) => each.serial.toString('hex'));
}

suite('lists made by the calendar', () => {
  test('are there before the old ones end, deltas every so often', async () => {
    const mount = await open();
    await mount.write('config/crl', {
      auto_rebuild: true,
      enable_delta: true,
      delta_rebuild_interval: '15m',
    });
    await mount.pass(0);
    const serial = await revoke(mount);
    assert.deepEqual(serials(readRevocationList(await mount.raw('crl'))), []);
    assert.deepEqual(serials(readRevocationList(await mount.raw('crl/delta'))), []);
    await mount.pass(14 * MINUTE_MS);
    assert.deepEqual(serials(readRevocationList(await mount.raw('crl/delta'))), []);
    await mount.pass(MINUTE_MS);
    assert.deepEqual(serials(readRevocationList(await mount.raw('crl/delta'))), [serial]);
    assert.deepEqual(serials(readRevocationList(await mount.raw('crl'))), []);
    // The complete list holds for 72 hours, and the grace is 12.
    await mount.pass(60 * HOUR_MS);
    const complete = readRevocationList(await mount.raw('crl'));
    assert.deepEqual(serials(complete), [serial]);
    assert.equal(complete.thisUpdateMs, Math.floor(mount.bench.nowMs / 1000) * 1000);
    assert.deepEqual(serials(readRevocationList(await mount.raw('crl/delta'))), []);
  });

  test('name what is revoked while complete ones are made', async () => {
    const { storage, afterListing } = overtakenStorage();
    const mount = await open(storage);
    await mount.write('config/crl', { auto_rebuild: true, enable_delta: true });
    let serial = '';
    afterListing('/revoked/', 1, async () => {
      serial = await revoke(mount);
    });
    await mount.read('crl/rotate');
    const complete = serials(readRevocationList(await mount.raw('crl')));
    await mount.read('crl/rotate-delta');
    const delta = serials(readRevocationList(await mount.raw('crl/delta')));
    assert.deepEqual([...complete, ...delta], [serial]);
  });

  test('are not, once that is switched off', async () => {
    const mount = await open();
    await mount.write('config/crl', { auto_rebuild: true });
    await mount.write('config/crl', { auto_rebuild: false });
    await mount.pass(HOUR_MS);
    assert.deepEqual(mount.bench.scheduled, []);
  });
});

suite('lists signed for the caller', () => {
  test('combine others of the issuer, each certificate once', async () => {
    const mount = await open();
    const first = await revoke(mount);
    const one = (await mount.raw('crl/pem')).toString();
    const second = await revoke(mount);
    const two = (await mount.raw('crl/pem')).toString();
    const { crl } = await mount.write('issuer/root/resign-crls', {
      crls: [one, two],
      crl_number: 77,
      delta_crl_base_number: 3,
      next_update: '1h',
    });
    const list = fromPem(crl);
    assert.deepEqual(serials(list).sort(), [first, second].sort());
    assert.equal(Number(list.nextUpdateMs) - list.thisUpdateMs, HOUR_MS);
    assert.ok(list.extensions.some((each) => each.oid === EXTENSION_OIDS.deltaCrlIndicator));
    const other = await open();
    const refused = await other.bench.fail('write', 'issuer/root/resign-crls', { crls: [one] });
    assert.match(refused.message, /CRL index: 0 was not signed by requested issuer/);
  });

  test('hold what the caller says', async () => {
    const mount = await open();
    const path = 'issuer/root/sign-revocation-list';
    const { crl } = await mount.write(path, {
      format: 'der',
      revoked_certs: [
        {
          serial_number: '01:AB',
          revocation_time: '2026-01-01T00:00:00Z',
          extensions: [{ id: '2.5.29.21', value: 'CgEB' }],
        },
      ],
      extensions: [{ id: '1.2.3.4', critical: true, value: 'BQA=' }],
    });
    const list = readRevocationList(Buffer.from(String(crl), 'base64'));
    const [entry] = list.revoked;
    assert.equal(entry?.serial.toString('hex'), '01ab');
    assert.equal(entry?.revokedMs, Date.UTC(2026, 0, 1));
    assert.equal(entry?.extensions?.[0]?.oid, '2.5.29.21');
    assert.equal(list.extensions.find((each) => each.oid === '1.2.3.4')?.critical, true);

    for (const [body, told] of [
      [{ extensions: [{ id: '2.5.29.20', value: '' }] }, /crl number .* reserved/],
      [{ extensions: [{ id: 'x', value: '' }] }, /object identifier/],
      [{ extensions: ['x'] }, /extension entry 0 not a map/],
      [{ revoked_certs: [{ serial_number: '0g', revocation_time: 1 }] }, /serial_number/],
      [{ revoked_certs: [{ serial_number: '01' }] }, /revocation_time/],
      [{ next_update: '-1h' }, /greater than 0/],
      [{ crl_number: -1 }, /0 or greater/],
      [{ delta_crl_base_number: -2 }, /-1 or greater/],
      [{ format: 'text' }, /format/],
    ] as const) {
      assert.match((await mount.bench.fail('write', path, body as never)).message, told);
    }
  });
});

suite('who has the present state', () => {
  test('hears that nothing has changed, in every form', async () => {
    const mount = await open();
    await revoke(mount);
    const status = async (path: string, sinceMs: number): Promise<number | undefined> => {
      const headers = { 'if-modified-since': new Date(sinceMs).toUTCString() };
      return (await mount.bench.call('read', path, {}, { headers }))?.status;
    };
    for (const path of ['ca', 'cert/ca', 'crl', 'cert/crl']) {
      assert.equal(await status(path, mount.bench.nowMs + HOUR_MS), 304, path);
      assert.notEqual(await status(path, mount.bench.nowMs - HOUR_MS), 304, path);
    }
  });
});

test('whoever follows an address of ACME that is none needs no token to hear so', () => {
  for (const prefix of ['', 'roles/r/', 'issuer/i/', 'issuer/i/roles/r/']) {
    for (const place of ['account/x', 'order/x/finalize', 'challenge/x/http-01']) {
      assert.equal(isAmong(ACME_PLACES, `${prefix}acme/${place}`), true, prefix + place);
    }
    assert.equal(isAmong(ACME_PLACES, `${prefix}acme/new-eab`), false);
  }
});
