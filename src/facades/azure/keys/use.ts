/** What keys are for: encrypt, decrypt, wrap, unwrap, sign, verify; and random bytes. */
import { decodeBase64Url } from '../../../base/base64.ts';
import type { JsonObject } from '../../../base/json.ts';
import type {
  EncryptionAlgorithm,
  KeyDesk,
  ManagedKey,
  SignatureAlgorithm,
} from '../../../model/tasks/key-task.ts';
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
  const { notBeforeMs = -Infinity, expiresMs = Infinity } = chosen.version;
  if ((nowMs < notBeforeMs || nowMs >= expiresMs) && !LATE_USES.has(use)) {
    const inner = nowMs < notBeforeMs ? 'KeyNotYetValid' : 'KeyExpired';
    throw new AzureError(
      403,
      'Forbidden',
      `Operation ${use} is not allowed on a key that is not valid now.`,
      { inner },
    );
  }
  if (!operationsOf(key).includes(use)) {
    throw new AzureError(403, 'Forbidden', `Operation ${use} is not permitted on this key.`, {
      inner: 'KeyOperationForbidden',
    });
  }
}

type Act = (desk: KeyDesk, number: number, body: JsonObject) => Promise<Buffer | boolean>;

function using(use: KeyOperation, folder: string, act: Act) {
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
          const result = await act(desk, chosen.number, body);
          return shown(
            typeof result === 'boolean'
              ? { value: result }
              : { kid: kidOf({ base }, name, chosen), value: result.toString('base64url') },
          );
        },
      },
    });
    return jsonReply(dataOf(answer));
  };
}

type Run = (asking: Asking) => Promise<WireReply>;

const encrypt: Act = (desk, number, body) =>
  desk.encrypt(number, encryptionAlgorithm(body), bytesOf(body, 'value'));
const decrypt: Act = (desk, number, body) =>
  desk.decrypt(number, encryptionAlgorithm(body), bytesOf(body, 'value'));

export const encryptWithKey: Run = using('encrypt', 'encrypt', encrypt);
export const decryptWithKey: Run = using('decrypt', 'decrypt', decrypt);
export const wrapWithKey: Run = using('wrapKey', 'encrypt', encrypt);
export const unwrapWithKey: Run = using('unwrapKey', 'decrypt', decrypt);
export const signWithKey: Run = using('sign', 'sign', (desk, number, body) =>
  desk.sign(number, signatureAlgorithm(body), bytesOf(body, 'value')),
);
export const verifyWithKey: Run = using('verify', 'verify', (desk, number, body) =>
  desk.verify(number, signatureAlgorithm(body), bytesOf(body, 'digest'), bytesOf(body, 'value')),
);

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
