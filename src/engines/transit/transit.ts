/** The transit engine: encrypts, signs and keeps the keys; the data stays with its callers. */
import type { Random } from '../../base/random.ts';
import type { Backend } from '../../model/backend.ts';
import { deriveKeyPaths } from './transfer/derive-key.ts';
import { encapsulationPaths } from './data/encapsulation.ts';
import { certificatePaths } from './transfer/certificates.ts';
import { backupPaths } from './transfer/backup.ts';
import { exportPaths } from './transfer/export.ts';
import { importPaths } from './transfer/import.ts';
import { takingTasks } from './tasks/key-desk.ts';
import { toolPaths } from './tools.ts';
import { encryptionPaths } from './data/encryption-paths.ts';
import { hmacPaths } from './data/hmac.ts';
import { KeyCache } from './keys/key-cache.ts';
import { keyConfigPaths } from './keys/key-config.ts';
import { keyPaths } from './keys/keys.ts';
import { rotationTasks } from './keys/make-key.ts';
import { NoncePool } from './data/nonce-pool.ts';
import type { TransitPorts } from './ports.ts';
import { settingsPaths } from './settings.ts';
import { signingPaths } from './data/signing.ts';

export function transitBackend({ random }: { readonly random: Random }): Backend {
  const ports: TransitPorts = { random, keys: new KeyCache(), nonces: new NoncePool(random) };
  return {
    type: 'transit',
    kind: 'secret',
    summary: 'Encryption, signatures and HMACs as a service.',
    tasks: rotationTasks(ports),
    paths: [
      ...keyPaths(ports),
      ...keyConfigPaths(ports),
      ...settingsPaths(),
      ...encryptionPaths(ports),
      ...signingPaths(ports),
      ...hmacPaths(ports),
      ...encapsulationPaths(ports),
      ...deriveKeyPaths(ports),
      ...exportPaths(),
      ...backupPaths(),
      ...importPaths(ports),
      ...certificatePaths(ports),
      ...toolPaths(random),
    ].map((path) => takingTasks(path, ports)),
  };
}
