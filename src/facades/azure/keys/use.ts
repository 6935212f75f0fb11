/** What keys are for: encrypt, decrypt, wrap, unwrap, sign, verify; and random bytes. */
import { decodeBase64Url } from '../../../base/base64.ts';
import type { JsonObject } from '../../../base/json.ts';
import type {
  EncryptionAlgorithm,
  KeyDesk,
  ManagedKey,
  SignatureAlgorithm,
} from '../../../model/tasks/key-task.ts';
import type { Reply } from '../../../model/reply.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { AzureError, badParameter, jsonReply } from '../wire/errors.ts';
import { kidOf, operationsOf } from './bundle.ts';
import type { ChosenVersion, KeyOperation } from './bundle.ts';
import { assertEnabled, chosenKeyVersion, liveKey } from './chosen.ts';

/** More than any key of ours can take, in characters of base64url. */
const VALUE_LENGTH_MAX = 8192;

const SIGNATURES: ReadonlySet<string> = new Set<SignatureAlgorithm>([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
]);
const ENCRYPTIONS: ReadonlySet<string> = new Set<EncryptionAlgorithm>([
  'RSA1_5',
  'RSA-OAEP',
  'RSA-OAEP-256',
]);

function bytesOf(body: JsonObject, member: string): Buffer {
  const text = body[member];
  const bytes =
    typeof text === 'string' && text.length <= VALUE_LENGTH_MAX
      ? decodeBase64Url(text.replace(/=+$/, ''))
      : undefined;
  if (bytes === undefined) throw badParameter(`The property ${member} is not base64url.`);
  return bytes;
}

function signatureAlgorithm(body: JsonObject): SignatureAlgorithm {
  const { alg } = body;
  if (typeof alg !== 'string' || !SIGNATURES.has(alg)) {
    throw badParameter('The algorithm is not supported.');
  }
  return alg as SignatureAlgorithm;
}

function encryptionAlgorithm(body: JsonObject): EncryptionAlgorithm {
  const { alg } = body;
  if (typeof alg !== 'string' || !ENCRYPTIONS.has(alg)) {
    throw badParameter('The algorithm is not supported.');
  }
  return alg as EncryptionAlgorithm;
}

/** Outside its times a key is good for what was made with it, and for nothing new. */
const LATE_USES: ReadonlySet<KeyOperation> = new Set(['decrypt', 'unwrapKey', 'verify']);

/** @throws {AzureError} */
function assertUsable(
  key: ManagedKey,
  chosen: ChosenVersion,
  use: KeyOperation,
  nowMs: number,
): void {
  assertEnabled(chosen);
  assertInTime(chosen.version, use, nowMs);
  assertFor(operationsOf(key), use);
}

interface Lifetime {
  readonly notBeforeMs?: number;
  readonly expiresMs?: number;
}

/** @throws {AzureError} */
export function assertInTime(version: Lifetime, use: KeyOperation, nowMs: number): void {
  const { notBeforeMs = -Infinity, expiresMs = Infinity } = version;
  if ((nowMs < notBeforeMs || nowMs >= expiresMs) && !LATE_USES.has(use)) {
    const inner = nowMs < notBeforeMs ? 'KeyNotYetValid' : 'KeyExpired';
    throw new AzureError(
      403,
      'Forbidden',
      `Operation ${use} is not allowed on a key that is not valid now.`,
      { inner },
    );
  }
}

/** @throws {AzureError} */
export function assertFor(operations: readonly string[], use: KeyOperation): void {
  if (!operations.includes(use)) {
    throw new AzureError(403, 'Forbidden', `Operation ${use} is not permitted on this key.`, {
      inner: 'KeyOperationForbidden',
    });
  }
}

/** One version of a key, wherever it is kept. */
export interface Usable {
  sign(algorithm: SignatureAlgorithm, digest: Buffer): Promise<Buffer>;
  verify(algorithm: SignatureAlgorithm, digest: Buffer, signature: Buffer): Promise<boolean>;
  encrypt(algorithm: EncryptionAlgorithm, plaintext: Buffer): Promise<Buffer>;
  decrypt(algorithm: EncryptionAlgorithm, ciphertext: Buffer): Promise<Buffer>;
}

type Act = (key: Usable, body: JsonObject) => Promise<Buffer | boolean>;

const encrypt: Act = (key, body) => key.encrypt(encryptionAlgorithm(body), bytesOf(body, 'value'));
const decrypt: Act = (key, body) => key.decrypt(encryptionAlgorithm(body), bytesOf(body, 'value'));
const ACTS: Readonly<Record<KeyOperation, Act>> = {
  encrypt,
  decrypt,
  wrapKey: encrypt,
  unwrapKey: decrypt,
  sign: (key, body) => key.sign(signatureAlgorithm(body), bytesOf(body, 'value')),
  verify: (key, body) =>
    key.verify(signatureAlgorithm(body), bytesOf(body, 'digest'), bytesOf(body, 'value')),
};

/** Does what the body asks for. @param kid of the version @throws {RequestError} */
export async function useKey(
  key: Usable,
  use: KeyOperation,
  body: JsonObject,
  kid: string,
): Promise<Reply> {
  const result = await ACTS[use](key, body);
  return shown(
    typeof result === 'boolean' ? { value: result } : { kid, value: result.toString('base64url') },
  );
}

function using(use: KeyOperation, folder: string) {
  return async function run({ operation, base, readJson, ask }: Asking): Promise<WireReply> {
    const { name, version } = operation;
    const answer = await ask({
      operation: 'write',
      part: 'keys',
      path: `${folder}/${name}`,
      body: readJson,
      task: {
        async key(desk) {
          const body = await readJson();
          const key = liveKey(desk, name);
          const chosen = chosenKeyVersion(key, name, version);
          assertUsable(key, chosen, use, desk.nowMs);
          return useKey(versionOf(desk, chosen.number), use, body, kidOf({ base }, name, chosen));
        },
      },
    });
    return jsonReply(dataOf(answer));
  };
}

function versionOf(desk: KeyDesk, number: number): Usable {
  return {
    sign: (algorithm, digest) => desk.sign(number, algorithm, digest),
    verify: (algorithm, digest, signature) => desk.verify(number, algorithm, digest, signature),
    encrypt: (algorithm, plaintext) => desk.encrypt(number, algorithm, plaintext),
    decrypt: (algorithm, ciphertext) => desk.decrypt(number, algorithm, ciphertext),
  };
}

type Run = (asking: Asking) => Promise<WireReply>;

export const encryptWithKey: Run = using('encrypt', 'encrypt');
export const decryptWithKey: Run = using('decrypt', 'decrypt');
export const wrapWithKey: Run = using('wrapKey', 'encrypt');
export const unwrapWithKey: Run = using('unwrapKey', 'decrypt');
export const signWithKey: Run = using('sign', 'sign');
export const verifyWithKey: Run = using('verify', 'verify');

const RANDOM_BYTES_MAX = 128;

export async function drawBytes({ readJson, ask }: Asking): Promise<WireReply> {
  const { count } = await readJson();
  if (
    typeof count !== 'number' ||
    !Number.isSafeInteger(count) ||
    count < 1 ||
    count > RANDOM_BYTES_MAX
  ) {
    throw badParameter(`The property count must be between 1 and ${RANDOM_BYTES_MAX}.`);
  }
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: 'random',
    body: () => Promise.resolve({ bytes: count, format: 'base64' }),
  });
  const text = dataOf(answer)['random_bytes'];
  const bytes = Buffer.from(typeof text === 'string' ? text : '', 'base64');
  return jsonReply({ value: bytes.toString('base64url') });
}
