/** Names of the browser's Web Crypto types that @peculiar/x509 expects to be global; Node.js has them under `webcrypto`. */
import type { webcrypto } from 'node:crypto';

declare global {
  type BufferSource = ArrayBuffer | ArrayBufferView;
  type CryptoKeyPair = webcrypto.CryptoKeyPair;
  type Algorithm = webcrypto.Algorithm;
  type AlgorithmIdentifier = webcrypto.AlgorithmIdentifier;
  type EcKeyImportParams = webcrypto.EcKeyImportParams;
  type EcKeyGenParams = webcrypto.EcKeyGenParams;
  type EcdsaParams = webcrypto.EcdsaParams;
  type RsaHashedImportParams = webcrypto.RsaHashedImportParams;
  type RsaHashedKeyGenParams = webcrypto.RsaHashedKeyGenParams;
  type KeyUsage = webcrypto.KeyUsage;
}
