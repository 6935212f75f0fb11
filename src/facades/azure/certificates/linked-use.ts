/** The key of a certificate signs and decrypts like any other, for whoever may read the certificate with its key. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Random } from '../../../base/random.ts';
import { decryptRsa, encryptRsa, JwaError, signDigest, verifyDigest } from '../../../crypto/jwa.ts';
import type { CertificateMaterial } from '../../../model/tasks/certificate-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { OPERATIONS } from '../keys/bundle.ts';
import type { KeyOperation } from '../keys/bundle.ts';
import { assertFor, assertInTime, useKey } from '../keys/use.ts';
import type { Usable } from '../keys/use.ts';
import { badParameter, disabled, jsonReply } from '../wire/errors.ts';
import { chosenVersion, liveCertificate } from './bundle.ts';

type Run = (asking: Asking) => Promise<WireReply>;

export function usingLinked(use: KeyOperation): Run {
  return async ({ operation, base, readJson, ask, random }) => {
    const { name, version: id } = operation;
    const answer = await ask({
      operation: 'read',
      part: 'certificates',
      path: `stored/${name}`,
      task: {
        async certificate(desk) {
          const version = chosenVersion(liveCertificate(desk, name), name, id);
          if (version.disabled === true) throw disabled('key');
          const { notBeforeMs, notAfterMs: expiresMs } = version;
          assertInTime({ notBeforeMs, expiresMs }, use, desk.nowMs);
          const key = keyOf(await desk.material(version.id), use, random);
          return useKey(key, use, await readJson(), `${base}/keys/${name}/${version.id}`);
        },
      },
    });
    return jsonReply(dataOf(answer));
  };
}

/** @throws {AzureError} there is no key, or it is none for this */
function keyOf(material: CertificateMaterial, use: KeyOperation, random: Random): Usable {
  const { privateKey, certificates } = material;
  const publicKey =
    privateKey === undefined
      ? new X509Certificate(certificates[0] ?? Buffer.alloc(0)).publicKey
      : createPublicKey(privateKey);
  assertFor(OPERATIONS[publicKey.asymmetricKeyType === 'rsa' ? 'RSA' : 'EC'], use);
  const own = (): NonNullable<typeof privateKey> => {
    if (privateKey === undefined) throw badParameter('The certificate has no key here.');
    return privateKey;
  };
  return {
    sign: (algorithm, digest) => told(() => signDigest(own(), algorithm, digest, random)),
    verify: (algorithm, digest, signature) =>
      told(() => verifyDigest(publicKey, algorithm, digest, signature)),
    encrypt: (algorithm, plaintext) => told(() => encryptRsa(publicKey, algorithm, plaintext)),
    decrypt: (algorithm, ciphertext) => told(() => decryptRsa(own(), algorithm, ciphertext)),
  };
}

/** @throws {AzureError} */
async function told<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof JwaError ? badParameter(error.message) : error;
  }
}
