/** The PKI engine: authorities, the certificates they make, and what tells that one is revoked. */
import type { Backend } from '../../model/backend.ts';
import { VALIDATION_TASK } from './acme/orders.ts';
import { ACME_PLACES, acmePaths } from './acme/paths.ts';
import { validationTask } from './acme/challenges/validation.ts';
import { authorityConfigPaths } from './authorities/config-paths.ts';
import { importPaths } from './authorities/import-paths.ts';
import { issuerPaths } from './authorities/issuer-paths.ts';
import { keyPaths } from './authorities/key-paths.ts';
import { SignerCache } from './authorities/signer.ts';
import { intermediatePaths } from './making/intermediate-paths.ts';
import { CERTIFICATE_LEASE } from './making/issue.ts';
import { leafPaths } from './making/leaf-paths.ts';
import { rolePaths } from './roles/role-paths.ts';
import { rootPaths } from './making/root-paths.ts';
import type { PkiOptions, PkiPorts } from './ports.ts';
import { fetchPaths } from './reading/fetch.ts';
import { issuerRawPaths } from './reading/issuer-raw.ts';
import { certificateListPaths } from './reading/lists.ts';
import { crlConfigPaths } from './revocation/config-paths.ts';
import { ocspPaths } from './revocation/ocsp-paths.ts';
import { REBUILD_TASK, rebuildTask } from './revocation/rebuild-task.ts';
import { certificateLease, revokePaths } from './revocation/revoke.ts';
import { crlSigningPaths } from './revocation/signing-paths.ts';
import { storedPaths } from './stored/paths.ts';
import { STORED_TASK, storedTask } from './stored/renewal.ts';
import { tidyPaths } from './upkeep/tidy-paths.ts';
import { tidyTasks } from './upkeep/tidy-tasks.ts';

export function pkiBackend(options: PkiOptions): Backend {
  const ports: PkiPorts = { ...options, signers: new SignerCache() };
  return {
    type: 'pki',
    kind: 'secret',
    summary: 'Certificate authorities, and the certificates that they make.',
    secrets: { [CERTIFICATE_LEASE]: certificateLease(ports) },
    tasks: {
      ...tidyTasks(ports),
      [STORED_TASK]: storedTask(ports),
      [REBUILD_TASK]: rebuildTask(ports),
      [VALIDATION_TASK]: validationTask(ports),
    },
    openPlaces: ['cert/', 'ocsp/', ...ACME_PLACES],
    paths: [
      ...acmePaths(ports),
      ...rolePaths(),
      ...rootPaths(ports),
      ...intermediatePaths(ports),
      ...leafPaths(ports),
      ...issuerRawPaths(),
      ...issuerPaths(ports),
      ...keyPaths(ports),
      ...importPaths(ports),
      ...authorityConfigPaths(ports),
      ...crlConfigPaths(ports),
      ...crlSigningPaths(ports),
      ...revokePaths(ports),
      ...fetchPaths(ports),
      ...certificateListPaths(),
      ...ocspPaths(ports),
      ...tidyPaths(ports),
      ...storedPaths(ports),
    ],
  };
}
