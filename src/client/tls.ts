/** TLS settings of a client, read once into what node:tls wants. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, type ConnectionOptions } from 'node:tls';

export interface TlsSettings {
  /** A PEM file with authorities to trust; wins over `caPath`. */
  readonly caFile?: string;
  /** The same as text. */
  readonly caPem?: string;
  /** A folder of PEM files. */
  readonly caPath?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
  readonly skipVerify?: boolean;
}

/** Most files read from a folder of authorities. */
const CA_FILES_MAX = 1_000;

/**
 * @throws {Error} when a named file cannot be read, or a certificate comes without its key.
 */
export function loadTls(settings: TlsSettings): ConnectionOptions {
  const options: ConnectionOptions = {};
  const ca = authorities(settings);
  if (ca !== undefined) options.ca = ca;
  const { certFile, keyFile } = settings;
  if (certFile !== undefined && keyFile !== undefined) {
    options.cert = readFileSync(certFile);
    options.key = readFileSync(keyFile);
  } else if (certFile !== undefined || keyFile !== undefined) {
    throw new Error('both client cert and client key must be provided');
  }
  if (settings.serverName !== undefined) options.servername = settings.serverName;
  if (settings.skipVerify === true) options.rejectUnauthorized = false;
  return options;
}

function authorities(settings: TlsSettings): (string | Buffer)[] | undefined {
  if (settings.caFile !== undefined) return [readFileSync(settings.caFile)];
  if (settings.caPem !== undefined) return [settings.caPem];
  if (settings.caPath !== undefined) {
    const folder = settings.caPath;
    return readdirSync(folder)
      .slice(0, CA_FILES_MAX)
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path));
  }
  // Node.js ships its own list; an operator who installed a private authority in the system store expects it to count too.
  return settings.skipVerify === true
    ? undefined
    : [...getCACertificates('default'), ...getCACertificates('system')];
}
