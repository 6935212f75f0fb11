/** RADIUS packets: the example of RFC 2865, and what is no answer. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessRequest, hiddenPassword, verdictOf } from './packet.ts';

const SECRET = Buffer.from('xyzzy5461');
const AUTHENTICATOR = Buffer.from('0f403f9473978057bd83d5cb98f4227a', 'hex');
const REQUEST = { identifier: 7, authenticator: AUTHENTICATOR };
const STRICT = { needsMessageAuthenticator: true };
const LAX = { needsMessageAuthenticator: false };

/** A reply as a server signs it. */
function reply(code: number, { signed = true, identifier = 7, attributes = '' } = {}): Buffer {
  const extra = Buffer.from(attributes, 'hex');
  const length = 20 + extra.length + (signed ? 18 : 0);
  const packet = Buffer.alloc(length);
  packet.writeUInt8(code, 0);
  packet.writeUInt8(identifier, 1);
  packet.writeUInt16BE(length, 2);
  AUTHENTICATOR.copy(packet, 4);
  extra.copy(packet, 20);
  if (signed) {
    packet.writeUInt8(80, 20 + extra.length);
    packet.writeUInt8(18, 21 + extra.length);
    const mac = createHmac('md5', SECRET).update(packet).digest();
    mac.copy(packet, 22 + extra.length);
  }
  createHash('md5').update(packet).update(SECRET).digest().copy(packet, 4);
  return packet;
}

test('the password of RFC 2865 §7.1 is hidden as it is there', () => {
  const hidden = hiddenPassword(Buffer.from('arctangent'), SECRET, AUTHENTICATOR);
  assert.equal(hidden.toString('hex'), '0dbe708d93d413ce3196e43f782a0aee');
});

test('a request carries a Message-Authenticator over itself, first', () => {
  const packet = accessRequest(
    { ...REQUEST, username: 'nemo', password: 'arctangent', nasPort: 3, nasIdentifier: 'here' },
    SECRET,
  );
  assert.deepEqual([packet[0], packet[1], packet.readUInt16BE(2)], [1, 7, packet.length]);
  assert.deepEqual([packet[20], packet[21]], [80, 18]);
  const mac = Buffer.from(packet.subarray(22, 38));
  const blank = Buffer.from(packet).fill(0, 22, 38);
  assert.deepEqual(mac, createHmac('md5', SECRET).update(blank).digest());
});

test('a reply is believed by its authenticators only', () => {
  for (const [code, verdict] of [
    [2, 'accept'],
    [3, 'reject'],
    [11, 'challenge'],
    [5, undefined],
  ] as const)
    assert.equal(verdictOf(reply(code), REQUEST, SECRET, STRICT), verdict);
  const unsigned = reply(2, { signed: false });
  assert.equal(verdictOf(unsigned, REQUEST, SECRET, LAX), 'accept');
  assert.equal(verdictOf(unsigned, REQUEST, SECRET, STRICT), undefined);
  assert.equal(verdictOf(reply(2), REQUEST, Buffer.from('other'), LAX), undefined);
  assert.equal(verdictOf(reply(2, { identifier: 8 }), REQUEST, SECRET, LAX), undefined);
  const other = { ...REQUEST, authenticator: Buffer.alloc(16) };
  assert.equal(verdictOf(reply(2), other, SECRET, LAX), undefined);
  // A second Message-Authenticator, and attributes that do not add up.
  const twice = `5012${'00'.repeat(16)}`;
  assert.equal(verdictOf(reply(2, { attributes: twice }), REQUEST, SECRET, LAX), undefined);
  for (const attributes of ['01', '0100', '01ff61'])
    assert.equal(
      verdictOf(reply(2, { attributes, signed: false }), REQUEST, SECRET, LAX),
      undefined,
    );
});

test('no change of a reply passes, and no bytes are taken for one', () => {
  const good = reply(2);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ change;
      assert.equal(verdictOf(bytes, REQUEST, SECRET, LAX), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      assert.equal(verdictOf(Buffer.from(bytes), REQUEST, SECRET, LAX), undefined);
    }),
  );
});
