/**
 * The last good answer of "run", for when the server cannot be reached. It is encrypted under a key made from the token, so that
 * the file alone opens nothing and a token that changed cannot open it either; where and what was read is bound to it.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import { isJsonObject, parseJson, type JsonObject } from '../../../client/json.ts';

const CIPHER = 'aes-256-gcm';
const FORMAT = 'strongroom run fallback 1';
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FILE_BYTES_MAX = 16 * 1024 * 1024;

export interface FallbackIdentity {
  readonly token: string;
  readonly address: string;
  readonly namespace: string;
  readonly keys: readonly string[];
}

/** Replaces the file. Salt and nonce are fresh, so a key never meets two messages. */
export async function saveFallback(
  path: string,
  identity: FallbackIdentity,
  fields: JsonObject,
  world: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const salt = world.random.bytes(SALT_BYTES);
  const nonce = world.random.bytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(identity, salt), nonce).setAAD(contextOf(identity));
  const plain = JSON.stringify({ savedAtMs: world.clock.nowMs(), fields });
  const sealed = Buffer.concat([
    salt,
    nonce,
    cipher.update(plain, 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const fresh = `${path}.tmp`;
  await rm(fresh, { force: true });
  await writeFile(fresh, sealed, { mode: 0o600, flag: 'wx' });
  await rename(fresh, path);
}

/**
 * What was saved less than `ageMsMax` ago.
 * @throws {Error} when there is nothing to use; the message says why.
 */
export async function loadFallback(
  path: string,
  identity: FallbackIdentity,
  ageMsMax: number,
  clock: Clock,
): Promise<{ readonly fields: JsonObject; readonly ageMs: number }> {
  const sealed = await readFile(path).catch(() => undefined);
  if (sealed === undefined) throw new Error('there is no fallback file yet');
  if (sealed.length < SALT_BYTES + NONCE_BYTES + TAG_BYTES || sealed.length > FILE_BYTES_MAX) {
    throw new Error('the fallback file is damaged');
  }
  const { savedAtMs, fields } = open(sealed, identity);
  const ageMs = clock.nowMs() - savedAtMs;
  // A clock that went back would make an old file young.
  if (ageMs < 0 || ageMs >= ageMsMax) throw new Error('the fallback file is too old');
  return { fields, ageMs };
}

function open(
  sealed: Buffer,
  identity: FallbackIdentity,
): { savedAtMs: number; fields: JsonObject } {
  const salt = sealed.subarray(0, SALT_BYTES);
  const nonce = sealed.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
  const body = sealed.subarray(SALT_BYTES + NONCE_BYTES, -TAG_BYTES);
  let plain: string;
  try {
    const decipher = createDecipheriv(CIPHER, keyOf(identity, salt), nonce, {
      authTagLength: TAG_BYTES,
    })
      .setAAD(contextOf(identity))
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    plain = Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    throw new Error(
      'the fallback file was saved with another token, for other keys, or is damaged',
    );
  }
  const value = parseJson(plain);
  const savedAtMs = isJsonObject(value) ? value['savedAtMs'] : undefined;
  const fields = isJsonObject(value) ? value['fields'] : undefined;
  if (typeof savedAtMs !== 'number' || !isJsonObject(fields)) {
    throw new Error('the fallback file is damaged');
  }
  return { savedAtMs, fields };
}

/** RFC 5869. */
function keyOf(identity: FallbackIdentity, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', identity.token, salt, FORMAT, 32));
}

function contextOf(identity: FallbackIdentity): Buffer {
  const { address, namespace, keys } = identity;
  return Buffer.from(JSON.stringify([FORMAT, address, namespace, keys]));
}
