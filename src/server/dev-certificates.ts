/** Certificates for `-dev-tls`: an authority and a server certificate of one day, made anew at each start. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { makeFolder } from '../base/files/make-folder.ts';
import { systemRandom } from '../base/random.ts';

export interface DevCertificates {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly authorityFile: string;
}

export async function writeDevCertificates(
  folder: string | undefined,
  names: readonly string[],
): Promise<DevCertificates> {
  const directory = folder ?? mkdtempSync(join(tmpdir(), 'strongroom-tls-'));
  makeFolder(directory, 0o700);
  const { makeDevCertificates } = await import('../crypto/x509/dev-certificates.ts');
  const pem = await makeDevCertificates(names, {
    clock: systemClock,
    random: systemRandom,
  });
  const files: DevCertificates = {
    certificateFile: join(directory, 'vault-cert.pem'),
    keyFile: join(directory, 'vault-key.pem'),
    authorityFile: join(directory, 'vault-ca.pem'),
  };
  writeFileSync(files.certificateFile, pem.certificate, { mode: 0o644 });
  writeFileSync(files.keyFile, pem.key, { mode: 0o600 });
  writeFileSync(files.authorityFile, pem.authority, { mode: 0o644 });
  return files;
}
